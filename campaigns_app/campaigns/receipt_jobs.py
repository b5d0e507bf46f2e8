"""What workers of the queue `default` are rung for: finding out what providers' callbacks mean.

Not the queue of those who send: they work in shifts of a minute, and news would wait as long.
"""

import logging
import time

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from campaigns_app.campaigns.receipts import process_block
from campaigns_app.database.clock import database_now
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import ProviderEvent
from campaigns_app.job_queue import DEFAULT, enqueue, must_end, waiting

logger = logging.getLogger(__name__)

SHIFT_SECONDS = 30


def process_receipts() -> None:
    """Work on what providers told, a block at a time, until nothing is due or the shift is over."""
    shift_ends = time.monotonic() + SHIFT_SECONDS
    try:
        while process_block(db.session()):
            if must_end() or time.monotonic() > shift_ends:
                enqueue(DEFAULT, process_receipts)
                return
    except OperationalError as error:
        db.session.rollback()
        logger.error("What providers told is left for later: %s", error)


def ring_for_receipts() -> None:
    """Have what providers told looked at. A job that is waiting already will see it too: a job for
    each callback would take longer than the callbacks."""
    if not waiting(DEFAULT):
        enqueue(DEFAULT, process_receipts)


def sweep_receipts() -> None:
    """Ring where something is due that nobody looked at."""
    due = (
        select(ProviderEvent.id)
        .where(ProviderEvent.processed_at.is_(None), ProviderEvent.due_at <= database_now())
        .limit(1)
    )
    with reading(db.session()) as session:
        is_due = session.scalar(due) is not None
    if is_due:
        ring_for_receipts()
