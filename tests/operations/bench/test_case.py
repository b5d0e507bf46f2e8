"""When a row holds, and how turns are compared."""

import pytest

from campaigns_app.operations.bench.case import Bar, BenchRow, Pairs
from campaigns_app.operations.bench.measuring import Timing, together


def row(ratio: float, bar: Bar | None, fault: str | None = None) -> BenchRow:
    return BenchRow("name", 1.0, "things/s", "others", ratio, bar, fault)


@pytest.mark.parametrize(
    ("ratio", "bar", "holds"),
    [
        (0.5, Bar(0.5), True),
        (0.49, Bar(0.5), False),
        (2.0, Bar(2, is_ceiling=True), True),
        (2.01, Bar(2, is_ceiling=True), False),
        (0.1, None, None),
    ],
)
def test_a_row_holds_when_its_bar_is_met(ratio: float, bar: Bar | None, holds: bool | None) -> None:
    assert row(ratio, bar).holds is holds


def test_a_row_with_a_fault_does_not_hold_however_good_its_ratio() -> None:
    assert row(1.0, Bar(2, is_ceiling=True), "a page counts recipients").holds is False


def test_turns_are_compared_with_each_other_so_that_a_slow_spell_does_not_count() -> None:
    pairs = Pairs(
        measured=[Timing(100, 0, 2), Timing(100, 0, 20), Timing(100, 0, 2)],
        against=[Timing(100, 0, 1), Timing(100, 0, 10), Timing(100, 0, 1)],
    )

    assert pairs.speed == 0.5
    assert (pairs.rate, pairs.rate_against) == (50, 100)


def test_shared_work_lasts_from_the_first_beginning_to_the_last_end() -> None:
    assert together([Timing(10, 1, 4), Timing(10, 2, 6)]) == Timing(10, 1, 6)
