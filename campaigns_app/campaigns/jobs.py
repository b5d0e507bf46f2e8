"""What workers are rung for: starting a campaign, working on batches.

Jobs are doorbells. A batch is not bound to a job: whoever is rung takes the next batch that nobody
holds, until there is none. So a job that is lost, or runs twice, changes nothing.
"""

import logging
import time

from flask import current_app

from campaigns_app.campaigns import ledger
from campaigns_app.campaigns.cancelling import cancel_next_batch
from campaigns_app.campaigns.delivery import BatchRun, Pace
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import StaleLease
from campaigns_app.extensions import db
from campaigns_app.job_queue import CAMPAIGNS, enqueue, lease_owner
from campaigns_app.pauses import passing
from campaigns_app.webhooks.jobs import ring as ring_webhooks

logger = logging.getLogger(__name__)

MOST_RINGS = 8
"""How many workers are rung at most for one campaign; each takes batches until none is left."""

SHIFT_SECONDS = 60
"""After so many seconds a job rings for its successor and ends, well before RQ would end it."""


def execute_campaign(campaign_id: int) -> None:
    """Start the campaign if it is due, and ring for its batches."""
    batch_ids = start_campaign(
        db.session(), get_channels(), campaign_id, current_app.config["BATCH_SIZE"]
    )
    passing("before_enqueue")
    ring_for_batches(len(batch_ids))


def deliver_batches() -> None:
    """Work on open batches, one after another, until none is left or the shift is over."""
    pace = Pace(current_app.config["CHUNK_SIZE"], current_app.config["LEASE_SECONDS"])
    shift_ends = time.monotonic() + SHIFT_SECONDS
    while _deliver_next_batch(pace):
        if time.monotonic() > shift_ends:
            ring_for_batches(1)
            return


def close_cancelled_batches() -> None:
    """Make who is left in cancelled campaigns cancelled, a batch at a time."""
    while cancel_next_batch(db.session()):
        pass


def ring_for_batches(count: int) -> None:
    """Ask workers to look for batches, as many workers as there are batches, within reason."""
    for _ in range(min(count, MOST_RINGS)):
        enqueue(CAMPAIGNS, deliver_batches)


def _deliver_next_batch(pace: Pace) -> bool:
    """Take a batch and finish it; returns whether there was one to take."""
    session = db.session()
    passing("before_claim")
    lease = ledger.take_batch(session, lease_owner(), pace.lease_seconds)
    if lease is None:
        return False
    passing("after_claim")
    try:
        finished = BatchRun(session, get_channels(), lease, pace).finish()
    except StaleLease as error:
        session.rollback()
        logger.warning("Stopped: %s", error)
        return True
    ring_webhooks()
    if finished and ledger.finish_campaign(session, lease.campaign_id):
        logger.info("Campaign %s finished", lease.campaign_id)
    return True
