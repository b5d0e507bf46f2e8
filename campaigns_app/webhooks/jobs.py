"""What workers are rung for: sending the deliveries that are due.

A delivery is not bound to a job: whoever is rung claims what is due, until nothing is. So a job
that is lost, or runs twice, changes nothing.
"""

import asyncio
import time
from random import SystemRandom

from flask import current_app
from sqlalchemy import select

from campaigns_app import job_queue
from campaigns_app.database.transactions import reading
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient, Policy
from campaigns_app.webhooks import sending
from campaigns_app.webhooks.delivery import claim_block, is_due, settle_block
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint

BLOCK_SIZE = 500

SENDING_SECONDS = 5
"""No request of a block begins later than this: the rest of it is claimed again."""

SETTLING_SECONDS = 5
"""How long it may take, after the last answer, to write down what came of a block."""

SHIFT_SECONDS = 60
"""After so many seconds a job ends and rings for its successor, well before RQ's limit."""

REST_SECONDS = 10
"""How long a job leaves an overloaded endpoint alone, so that the others need not wait for it."""

ENOUGH_WAITING = 4
"""So many jobs in the queue will find whatever is due; more would only make it longer."""


def deliver_webhooks() -> None:
    """Send due deliveries, block by block, until none is left or the shift is over."""
    config = current_app.config
    policy = Policy(
        allowed_networks=config["WEBHOOK_ALLOWED_NETWORKS"],
        timeout_seconds=config["WEBHOOK_TIMEOUT_SECONDS"],
        connections=config["WEBHOOK_CONCURRENCY"],
    )
    if asyncio.run(_work_a_shift(policy)):
        ring()


def ring() -> None:
    """Ask a worker to look for due deliveries; call it after the commit that made them."""
    if job_queue.waiting(job_queue.WEBHOOKS) < ENOUGH_WAITING:
        job_queue.enqueue(job_queue.WEBHOOKS, deliver_webhooks)


def enqueue_due_deliveries() -> bool:
    """Ring when anything is due, for the sweep; returns whether there is."""
    due = (
        select(WebhookDelivery.id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(is_due())
        .limit(1)
    )
    with reading(db.session()) as session:
        found = session.scalar(due) is not None
    if found:
        ring()
    return found


async def _work_a_shift(policy: Policy) -> bool:
    """Returns whether there may be more to do. While the database is asked no request is under
    way, so it does no harm that asking it blocks the loop."""
    session, chance = db.session(), SystemRandom()
    ends = time.monotonic() + SHIFT_SECONDS
    rests: dict[int, float] = {}
    async with HttpClient(policy, sending.HEADERS) as http:
        while time.monotonic() < ends:
            resting = [key for key, until in rests.items() if until > time.monotonic()]
            block = claim_block(
                session,
                job_queue.lease_owner(),
                BLOCK_SIZE,
                lease_seconds=SENDING_SECONDS + policy.timeout_seconds + SETTLING_SECONDS,
                except_endpoints=resting,
            )
            if not block:
                return False
            dispatch = sending.Dispatch(http, block, policy.connections)
            attempts = await dispatch.send(SENDING_SECONDS)
            settle_block(session, block, attempts, now=utcnow(), chance=chance)
            rests.update(dict.fromkeys(dispatch.overloaded, time.monotonic() + REST_SECONDS))
    return True
