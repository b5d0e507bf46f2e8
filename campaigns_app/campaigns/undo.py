"""The moment between «now» and the start, in which a person can still think better of it."""

from datetime import datetime, timedelta

from flask import current_app

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.states import Phase


def soonest_start(now: datetime) -> datetime:
    """When a campaign starts that a person wants to start now."""
    return now + _window()


def seconds_to_undo(campaign: Campaign, now: datetime) -> int | None:
    """In how many seconds the campaign starts, if so soon that it should be said; else None."""
    if campaign.phase is not Phase.SCHEDULED or campaign.scheduled_at is None:
        return None
    left = campaign.scheduled_at - now
    return int(left.total_seconds()) + 1 if timedelta() < left <= _window() else None


def _window() -> timedelta:
    return timedelta(seconds=current_app.config["UNDO_SECONDS"])
