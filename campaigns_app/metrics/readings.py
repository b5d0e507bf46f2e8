"""What the database says of the work before it: one query each, none that counts recipients."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, literal, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.leases import is_workable
from campaigns_app.campaigns.models import Campaign, CampaignBatch
from campaigns_app.campaigns.start import is_due
from campaigns_app.campaigns.states import Phase, RecipientState
from campaigns_app.database.clock import database_now


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many things wait, and for how long the first of them could have been done."""

    count: int
    longest_seconds: float


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of campaigns that are not over: how many of their recipients are in each state,
    how many are open, and which of these nobody holds."""

    recipients: Mapping[str, int]
    open: int
    free: Overdue


def count_phases(session: Session) -> Mapping[str, int]:
    """How many campaigns are in each phase; every phase is there."""
    # As `Campaign.phase` asks.
    phase = case(
        (Campaign.failure.is_not(None), literal(Phase.FAILED.value)),
        (Campaign.cancelled_at.is_not(None), literal(Phase.CANCELLED.value)),
        (Campaign.finished_at.is_not(None), literal(Phase.FINISHED.value)),
        (Campaign.enabled.is_(False), literal(Phase.PAUSED.value)),
        (Campaign.started_at.is_not(None), literal(Phase.SENDING.value)),
        else_=literal(Phase.SCHEDULED.value),
    ).label("phase")
    phases = select(phase).subquery()
    rows = session.execute(select(phases.c.phase, func.count()).group_by(phases.c.phase))
    return dict.fromkeys((one.value for one in Phase), 0) | {row[0]: row[1] for row in rows}


def read_batches(session: Session) -> Batches:
    """What there is in the batches of campaigns that have started and are not over."""
    states = [state.value for state in RecipientState]
    sums = [func.coalesce(func.sum(getattr(CampaignBatch, state)), 0) for state in states]
    free = case((is_workable(), 1))
    # One that was never taken has been free since somebody last touched its campaign.
    free_since = func.coalesce(CampaignBatch.lease_expires_at, Campaign.updated_at)
    row = session.execute(
        select(
            *sums,
            func.count(case((CampaignBatch.finished_at.is_(None), 1))),
            func.count(free),
            func.min(case((is_workable(), free_since))),
            database_now(),
        )
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .where(
            Campaign.finished_at.is_(None),
            Campaign.cancelled_at.is_(None),
            Campaign.failure.is_(None),
        )
    ).one()
    *counts, opened, workable, since, now = row
    recipients = dict(zip(states, map(int, counts), strict=True))
    return Batches(recipients, opened, Overdue(workable, _seconds(since, now)))


def read_due(session: Session) -> Overdue:
    """The campaigns that are due and that nobody has started."""
    count, first, now = session.execute(
        select(func.count(), func.min(Campaign.scheduled_at), database_now()).where(is_due())
    ).one()
    return Overdue(count, _seconds(first, now))


def _seconds(since: datetime | None, now: datetime) -> float:
    """How long ago that was; nought where it never was or is to come."""
    return max((now - since).total_seconds(), 0.0) if since is not None else 0.0
