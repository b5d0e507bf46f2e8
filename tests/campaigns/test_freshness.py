"""When a page asks again, and when it stops."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns_app.campaigns.freshness import seconds_until_news
from campaigns_app.campaigns.models import Campaign

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def campaign(**values: Any) -> Campaign:
    """A campaign that is scheduled for now."""
    return Campaign(**{"enabled": True, "scheduled_at": NOW, **values})


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({"started_at": NOW}, 2),
        ({"scheduled_at": NOW}, 2),
        ({"scheduled_at": NOW + timedelta(seconds=59)}, 2),
        ({"scheduled_at": NOW + timedelta(minutes=10)}, 540),
        ({"scheduled_at": NOW + timedelta(days=300)}, 3600),
        ({"scheduled_at": NOW - timedelta(minutes=9)}, 2),
        ({"scheduled_at": NOW - timedelta(minutes=11)}, None),
        ({"scheduled_at": None}, None),
        ({"enabled": False}, None),
        ({"started_at": NOW, "enabled": False}, None),
        ({"started_at": NOW, "finished_at": NOW}, None),
    ],
)
def test_a_page_asks_again_when_something_may_have_changed(
    values: dict[str, Any], seconds: int | None
) -> None:
    assert seconds_until_news([campaign(**values)], NOW) == seconds


def test_the_most_urgent_campaign_decides() -> None:
    later = campaign(scheduled_at=NOW + timedelta(minutes=10))

    assert seconds_until_news([later, campaign(enabled=False), campaign(started_at=NOW)], NOW) == 2


def test_an_empty_page_does_not_ask() -> None:
    assert seconds_until_news([], NOW) is None
