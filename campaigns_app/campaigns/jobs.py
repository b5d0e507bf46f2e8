"""What workers are rung for: starting a campaign, working on batches.

Jobs are doorbells. A batch is not bound to a job: whoever is rung takes the next batch that nobody
holds, until there is none. So a job that is lost, or runs twice, changes nothing.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from flask import current_app
from sqlalchemy.exc import OperationalError

from campaigns_app.campaigns import leases, ledger
from campaigns_app.campaigns.cancelling import cancel_next_batch
from campaigns_app.campaigns.delivery import BatchRun, Pace
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches, provider_types
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.channels.base import ConversationChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.transactions import reading
from campaigns_app.errors import StaleLease
from campaigns_app.extensions import db
from campaigns_app.job_queue import CAMPAIGNS, PROVIDERS, enqueue, lease_owner, must_end
from campaigns_app.pauses import passing
from campaigns_app.webhooks.jobs import ring as ring_webhooks

logger = logging.getLogger(__name__)

MOST_RINGS = 8
"""How many workers are rung at most for one campaign; each takes batches until none is left."""

SHIFT_SECONDS = 5
"""After so many seconds a job rings for its successor and ends, so that a campaign that is due need
not wait for one that is large."""


def execute_campaign(campaign_id: int) -> None:
    """Start the campaign if it is due, and ring for its batches."""
    batch_ids = start_campaign(
        db.session(), get_channels(), campaign_id, current_app.config["BATCH_SIZE"]
    )
    passing("before_enqueue")
    if batch_ids:
        ring_for_batches(len(batch_ids), _queue_of(campaign_id))


def deliver_batches() -> None:
    """Work on open batches, one after another, until none is left or the shift is over."""
    pace = Pace(current_app.config["CHUNK_SIZE"], current_app.config["LEASE_SECONDS"])
    _work_a_shift(lambda: _deliver_next_batch(pace), deliver_batches)


def close_cancelled_batches() -> None:
    """Make who is left in cancelled campaigns cancelled, a batch at a time."""
    _work_a_shift(lambda: cancel_next_batch(db.session()), close_cancelled_batches)


def ring_for_batches(count: int, queue: str = CAMPAIGNS) -> None:
    """Ask workers of `queue` to look for batches, as many workers as there are batches, within
    reason."""
    job = deliver_provider_batches if queue == PROVIDERS else deliver_batches
    for _ in range(min(count, MOST_RINGS)):
        enqueue(queue, job)


def conversation_types() -> list[str]:
    """The types of inboxes whose campaigns open conversations."""
    return [one.name for one in get_channels() if isinstance(one, ConversationChannel)]


def _queue_of(campaign_id: int) -> str:
    with reading(db.session()) as session:
        campaign = session.get_one(Campaign, campaign_id)
        return PROVIDERS if campaign.inbox.inbox_type in provider_types() else CAMPAIGNS


def _work_a_shift(work: Callable[[], bool], successor: Callable[[], None]) -> None:
    """Call `work` until there is none; ring for the `successor` if there may be some left when the
    shift is over or the process must end."""
    shift_ends = time.monotonic() + SHIFT_SECONDS
    while work():
        if must_end() or time.monotonic() > shift_ends:
            enqueue(CAMPAIGNS, successor)
            return


def _deliver_next_batch(pace: Pace) -> bool:
    """Take a batch and finish it; returns whether there was one to take.

    A batch that the database does not let us finish is given back as soon as it lets us do that:
    the sweep has it tried again.
    """
    session = db.session()
    passing("before_claim")
    lease = leases.take_batch(
        session,
        lease_owner(),
        pace.lease_seconds,
        inbox_types=conversation_types(),
    )
    if lease is None:
        return False
    passing("after_claim")
    try:
        finished = BatchRun(session, get_channels(), lease, pace).finish()
    except StaleLease as error:
        session.rollback()
        logger.warning("Stopped: %s", error)
        return True
    except OperationalError:
        session.rollback()
        with suppress(OperationalError):
            leases.give_back(session, lease, finished=False)
        raise
    ring_webhooks()
    if finished and ledger.finish_campaign(session, lease.campaign_id):
        logger.info("Campaign %s finished", lease.campaign_id)
    return True
