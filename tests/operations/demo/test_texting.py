"""Whether the figures of the demonstration's text messages are those that the numbers demand."""

from dataclasses import replace

import pytest

from campaigns_app.campaigns.report import Counts
from campaigns_app.operations.demo.texting import TextFigures

RIGHT = TextFigures(Counts(total=100, delivered=88, failed=12), 91, 8, finished=True)


def test_right_figures_have_no_fault() -> None:
    assert RIGHT.is_over
    assert list(RIGHT.faults()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"taken": 92},
        {"opted_out": 7},
        {"counts": Counts(total=100, delivered=87, failed=13)},
        {"counts": Counts(total=100, delivered=88, failed=11)},
        {"counts": Counts(total=99, delivered=87, failed=12)},
    ],
)
def test_a_wrong_figure_is_told(wrong: dict[str, object]) -> None:
    assert list(replace(RIGHT, **wrong).faults()) != []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "early",
    [
        {"finished": False},
        {"counts": Counts(total=100, sent=1, delivered=87, failed=12)},
        {"counts": Counts(total=100, unknown=1, delivered=87, failed=12)},
        {"opted_out": 7},
    ],
)
def test_it_is_over_when_the_provider_has_told_of_everybody(early: dict[str, object]) -> None:
    assert not replace(RIGHT, **early).is_over  # type: ignore[arg-type]
