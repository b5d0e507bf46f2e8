"""When a page that shows campaigns should ask again."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.states import Phase

WATCHING_SECONDS = 2
"""Between two looks while something is going on."""

SOON = timedelta(minutes=1)
"""A campaign that starts within this time is watched already."""

OVERDUE = timedelta(minutes=10)
"""A campaign that is due for longer does not start because somebody looks at it: no worker is
there, and whoever keeps the page open all night shall not be what asks every two seconds."""

LONGEST = timedelta(hours=1)


def seconds_until_news(campaigns: Iterable[Campaign], now: datetime) -> int | None:
    """After how many seconds something may have changed by itself; None when nothing will."""
    waits = [wait for wait in (_wait(campaign, now) for campaign in campaigns) if wait is not None]
    return min(waits, default=None)


def _wait(campaign: Campaign, now: datetime) -> int | None:
    if campaign.phase is Phase.SENDING:
        return WATCHING_SECONDS
    if campaign.phase is not Phase.SCHEDULED or campaign.scheduled_at is None:
        return None
    left = campaign.scheduled_at - now
    if left < -OVERDUE:
        return None
    return max(WATCHING_SECONDS, int(min(left - SOON, LONGEST).total_seconds()))
