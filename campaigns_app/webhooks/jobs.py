"""What workers are rung for: sending the deliveries that are due.

A delivery is not bound to a job: whoever is rung claims what is due, until nothing is. So a job
that is lost, or runs twice, changes nothing.
"""

import asyncio
import time
from datetime import timedelta
from functools import partial
from random import SystemRandom

from flask import current_app
from sqlalchemy import select

from campaigns_app import job_queue
from campaigns_app.database.beside import beside_the_loop
from campaigns_app.database.transactions import reading
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient, Policy
from campaigns_app.webhooks import sending
from campaigns_app.webhooks.blocks import remove_expired
from campaigns_app.webhooks.claiming import Room, claim_block, has_due
from campaigns_app.webhooks.line import SENDING_SECONDS
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.pipeline import Pipeline
from campaigns_app.webhooks.settlement import settle_block

SETTLING_SECONDS = 5
"""How long it may take, after an answer, to write down what came of a request."""

SHIFT_SECONDS = 60
"""After so many seconds a job ends and rings for its successor, well before RQ's limit."""

LOOK_SECONDS = 0.2
"""While requests are under way, new events are looked for so often at least."""

ENOUGH_WAITING = 4
"""So many jobs in the queue will find whatever is due; more would only make it longer."""


def deliver_webhooks() -> None:
    """Send due deliveries until none is left, the shift is over, or the process must end."""
    config = current_app.config
    policy = Policy(
        allowed_networks=config["WEBHOOK_ALLOWED_NETWORKS"],
        timeout_seconds=config["WEBHOOK_TIMEOUT_SECONDS"],
        connections=config["WEBHOOK_CONCURRENCY"],
    )
    if asyncio.run(_work_a_shift(policy, config["WEBHOOK_ENDPOINT_CONCURRENCY"])):
        ring()


def ring() -> None:
    """Ask a worker to look for due deliveries; call it after the commit that made them."""
    if job_queue.waiting(job_queue.WEBHOOKS) < ENOUGH_WAITING:
        # Well after its last request must have ended. One that hangs all the same, on a database
        # that is not there any more or whatever else, keeps a worker from all that waits.
        timeout_seconds = SHIFT_SECONDS + 2 * _lease_seconds()
        job_queue.enqueue(job_queue.WEBHOOKS, deliver_webhooks, timeout_seconds=timeout_seconds)


def enqueue_due_deliveries() -> bool:
    """Ring when anything is due, for the sweep; returns whether there is."""
    session = db.session()
    remove_expired(session)
    session.commit()
    found = _is_anything_due()
    if found:
        ring()
    return found


async def _work_a_shift(policy: Policy, share: int) -> bool:
    """Returns whether there may be more to do. Requests go on while the database is asked."""
    ends = time.monotonic() + SHIFT_SECONDS
    async with HttpClient(policy, sending.HEADERS) as http:
        pipeline = Pipeline(http, policy.connections, share)
        while True:
            is_over = job_queue.must_end() or time.monotonic() > ends
            if is_over:
                pipeline.stop()
            room = None if is_over else pipeline.room()
            block = await beside_the_loop(partial(_settle_and_claim, pipeline.collect(), room))
            pipeline.take(block)
            if not pipeline.is_empty:
                await pipeline.wait(LOOK_SECONDS)
            elif is_over or not await beside_the_loop(_is_anything_due):
                return is_over
            else:
                # Another worker is just taking from the same endpoint.
                await asyncio.sleep(LOOK_SECONDS)


def _settle_and_claim(outcome: sending.Outcome, room: Room | None) -> sending.Claimed:
    """Write down what came of the last requests, then take what there is room for."""
    session, config = db.session(), current_app.config
    patience = timedelta(days=config["WEBHOOK_PATIENCE_DAYS"])
    if outcome.attempts or outcome.unsent or outcome.unsent_bundles:
        chance = SystemRandom()
        settle_block(session, outcome, now=utcnow(), chance=chance, patience=patience)
    if room is None or not room.total:
        return sending.Claimed()
    return claim_block(session, job_queue.lease_owner(), room, lease_seconds=_lease_seconds())


def _lease_seconds() -> int:
    timeout_seconds: int = current_app.config["WEBHOOK_TIMEOUT_SECONDS"]
    return SENDING_SECONDS + timeout_seconds + SETTLING_SECONDS


def _is_anything_due() -> bool:
    with reading(db.session()) as session:
        due = has_due(session.connection().dialect.name)
        return session.scalar(select(WebhookEndpoint.id).where(due).limit(1)) is not None
