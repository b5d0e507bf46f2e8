"""Whether the demonstration's figures add up."""

from dataclasses import replace

import pytest

from campaigns_app.campaigns.report import Counts
from campaigns_app.operations.demo.figures import Figures
from campaigns_app.operations.demo.receiver import Arrivals

RIGHT = Figures(
    counts=Counts(total=12, sent=9, skipped=2, failed=1),
    contacts=20,
    conversations=9,
    messages=9,
    deliveries=18,
    deliveries_pending=0,
    deliveries_made=18,
    finished=True,
    failure=None,
    seconds=1.0,
    arrivals=Arrivals(verified=18, refused=0),
)


def test_right_figures_have_no_fault() -> None:
    assert list(RIGHT.faults()) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"messages": 10}, "10 messages"),
        ({"conversations": 8, "messages": 8}, "9 recipients were reached with 8"),
        ({"deliveries_made": 17, "deliveries_pending": 1}, "1 webhooks have not been delivered"),
        ({"deliveries": 17, "deliveries_made": 17}, "17 of 18 webhooks"),
        ({"arrivals": Arrivals(17, 0)}, "17 different webhooks arrived"),
        ({"arrivals": Arrivals(18, 1)}, "1 webhooks had a wrong signature"),
        ({"counts": Counts(total=13, sent=9, skipped=2, failed=1)}, "do not sum"),
        ({"finished": False}, "have not been dealt with"),
        ({"failure": "no inbox"}, "could not start: no inbox"),
    ],
)
def test_a_wrong_figure_is_named(wrong: dict[str, object], fault: str) -> None:
    figures = replace(RIGHT, **wrong)  # type: ignore[arg-type]

    assert any(fault in sentence for sentence in figures.faults())


def test_a_campaign_for_nobody_is_no_demonstration() -> None:
    nobody = replace(
        RIGHT,
        counts=Counts(),
        conversations=0,
        messages=0,
        deliveries=0,
        deliveries_made=0,
        arrivals=Arrivals(0, 0),
    )

    assert list(nobody.faults()) == ["The campaign had no recipients."]


def test_it_is_over_when_the_last_webhook_is_delivered() -> None:
    assert RIGHT.is_over
    assert not replace(RIGHT, deliveries_pending=1).is_over
