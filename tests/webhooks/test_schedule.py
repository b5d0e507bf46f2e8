"""When a failed delivery is tried again."""

from random import Random

import pytest

from campaigns_app.webhooks.schedule import next_wait

DAY = 86_400


def wait_after(attempts: int, overloaded: bool = False, asked: float | None = None) -> float:
    wait = next_wait(attempts, is_overloaded=overloaded, retry_after=asked, chance=Random(attempts))
    assert wait is not None
    return wait


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [
        (1, 5),
        (2, 300),
        (3, 1800),
        (4, 7200),
        (5, 18000),
        (6, 36000),
        (7, 50400),
        (8, 72000),
        (9, DAY),
    ],
)
def test_the_waits_follow_the_schedule_within_a_fifth(attempts: int, seconds: int) -> None:
    assert 0.8 * seconds <= wait_after(attempts) <= 1.2 * seconds
    assert wait_after(attempts) != seconds


def test_after_the_tenth_attempt_there_is_no_other() -> None:
    assert next_wait(10, is_overloaded=True, retry_after=1, chance=Random(1)) is None


def test_an_overloaded_endpoint_gets_a_minute() -> None:
    assert 48 <= wait_after(1, overloaded=True) <= 72


@pytest.mark.parametrize(("asked", "least", "most"), [(1, 60, 72), (90, 90, 108), (9999, 120, 144)])
def test_retry_after_is_obeyed_within_bounds(asked: int, least: int, most: int) -> None:
    assert least <= wait_after(1, overloaded=True, asked=asked) <= most


def test_nobody_can_ask_for_more_than_a_day() -> None:
    assert wait_after(9, overloaded=True, asked=10 * DAY) <= 1.2 * DAY


def test_retry_after_means_nothing_with_an_ordinary_failure() -> None:
    assert wait_after(1, asked=90) <= 6
