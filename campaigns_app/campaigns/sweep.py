"""Finding in the database what the queue forgot. Any number of sweeps may run at once."""

from sqlalchemy import Select, select

from campaigns_app import job_queue
from campaigns_app.campaigns import ledger
from campaigns_app.campaigns.jobs import (
    close_cancelled_batches,
    execute_campaign,
    ring_for_batches,
)
from campaigns_app.campaigns.models import Campaign, CampaignBatch
from campaigns_app.campaigns.start import is_due
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db

MOST_CAMPAIGNS = 100
ENOUGH_WAITING = 8


def sweep() -> None:
    """Ring for due campaigns and for batches to work on or to close; finish what is done. Commits.

    While jobs are waiting in the queue, workers will come by anyway: ringing again would only make
    the queue longer.
    """
    _finish_done_campaigns()
    if job_queue.waiting(job_queue.CAMPAIGNS) >= ENOUGH_WAITING:
        return
    for campaign_id in _due_campaigns():
        job_queue.enqueue(job_queue.CAMPAIGNS, execute_campaign, campaign_id)
    ring_for_batches(len(_free_batches()))
    if _has_cancelled_batches():
        job_queue.enqueue(job_queue.CAMPAIGNS, close_cancelled_batches)


def _has_cancelled_batches() -> bool:
    left = (
        select(CampaignBatch.id)
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .where(CampaignBatch.finished_at.is_(None), Campaign.cancelled_at.is_not(None))
        .limit(1)
    )
    return bool(_read(left))


def _due_campaigns() -> list[int]:
    due = select(Campaign.id).where(is_due()).order_by(Campaign.scheduled_at).limit(MOST_CAMPAIGNS)
    return _read(due)


def _free_batches() -> list[int]:
    free = (
        select(CampaignBatch.id)
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .where(ledger.is_workable())
        .limit(ENOUGH_WAITING)
    )
    return _read(free)


def _finish_done_campaigns() -> None:
    """A worker may have died between its last batch and the mark on the campaign."""
    open_batch = select(CampaignBatch.id).where(
        CampaignBatch.campaign_id == Campaign.id, CampaignBatch.finished_at.is_(None)
    )
    done = select(Campaign.id).where(
        Campaign.started_at.is_not(None),
        Campaign.finished_at.is_(None),
        Campaign.cancelled_at.is_(None),
        Campaign.failure.is_(None),
        ~open_batch.exists(),
    )
    for campaign_id in _read(done):
        ledger.finish_campaign(db.session(), campaign_id)


def _read(statement: Select[int]) -> list[int]:
    """The ids that the statement finds, read in a transaction of their own."""
    with reading(db.session()) as session:
        return list(session.scalars(statement))
