"""Finding in the database what the queue forgot. Any number of sweeps may run at once."""

from collections.abc import Collection

from sqlalchemy import Select, select

from campaigns_app import job_queue
from campaigns_app.campaigns import leases, ledger
from campaigns_app.campaigns.cancelling import is_cancelled
from campaigns_app.campaigns.interrupted import interrupted_batches, settle_interrupted
from campaigns_app.campaigns.jobs import (
    close_cancelled_batches,
    conversation_types,
    execute_campaign,
    ring_for_batches,
)
from campaigns_app.campaigns.models import Campaign, CampaignBatch
from campaigns_app.campaigns.provider_jobs import provider_types
from campaigns_app.campaigns.start import is_due
from campaigns_app.campaigns.template_loss import pause_without_template, without_template
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Inbox

MOST_CAMPAIGNS = 100
ENOUGH_WAITING = 8


def sweep() -> None:
    """Ring for due campaigns and for batches to work on or to close; settle what was interrupted,
    finish what is done, and pause what has lost its template. Commits.

    While jobs are waiting in the queue, workers will come by anyway: ringing again would only make
    the queue longer. What is waiting may all be for batches, though, so a campaign that is due is
    rung for beyond that, and before them.
    """
    for batch_id in _read(interrupted_batches()):
        settle_interrupted(db.session(), batch_id)
    _finish_done_campaigns()
    _pause_where_templates_are_lost()
    _ring_providers()
    waiting = job_queue.waiting(job_queue.CAMPAIGNS)
    if waiting < 2 * ENOUGH_WAITING:
        for campaign_id in _due_campaigns():
            job_queue.enqueue(job_queue.CAMPAIGNS, execute_campaign, campaign_id, at_front=True)
    if waiting >= ENOUGH_WAITING:
        return
    ring_for_batches(len(_free_batches(conversation_types())))
    if _has_cancelled_batches():
        job_queue.enqueue(job_queue.CAMPAIGNS, close_cancelled_batches)


def _ring_providers() -> None:
    if job_queue.waiting(job_queue.PROVIDERS) < ENOUGH_WAITING:
        ring_for_batches(len(_free_batches(provider_types())), job_queue.PROVIDERS)


def _has_cancelled_batches() -> bool:
    left = (
        select(CampaignBatch.id)
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .where(is_cancelled())
        .limit(1)
    )
    return bool(_read(left))


def _due_campaigns() -> list[int]:
    due = select(Campaign.id).where(is_due()).order_by(Campaign.scheduled_at).limit(MOST_CAMPAIGNS)
    return _read(due)


def _free_batches(inbox_types: Collection[str]) -> list[int]:
    free = (
        select(CampaignBatch.id)
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .join(Inbox, Inbox.id == Campaign.inbox_id)
        .where(leases.is_workable(), Inbox.inbox_type.in_(inbox_types))
        .limit(ENOUGH_WAITING)
    )
    return _read(free)


def _finish_done_campaigns() -> None:
    """A worker may have died between its last batch and the mark on the campaign."""
    done = select(Campaign.id).where(Campaign.cancelled_at.is_(None), ledger.is_done())
    for campaign_id in _read(done):
        ledger.finish_campaign(db.session(), campaign_id)


def _pause_where_templates_are_lost() -> None:
    """A list that was fetched may say what no callback did."""
    for campaign_id in _read(without_template()):
        pause_without_template(db.session(), campaign_id)
        db.session.commit()


def _read(statement: Select[int]) -> list[int]:
    """The ids that the statement finds, read in a transaction of their own."""
    with reading(db.session()) as session:
        return list(session.scalars(statement))
