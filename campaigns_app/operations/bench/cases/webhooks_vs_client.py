"""How near webhook delivery comes to what its HTTP client can do at all."""

from dataclasses import replace

from flask import current_app
from sqlalchemy import func, select

from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.http_client import Policy
from campaigns_app.operations.bench import client, engine, sink
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.client import Request
from campaigns_app.operations.bench.measuring import Timing, timed
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.slate import settle, wipe_results
from campaigns_app.webhooks.jobs import deliver_webhooks, enqueue_due_deliveries
from campaigns_app.webhooks.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from campaigns_app.webhooks.sending import HEADERS
from campaigns_app.webhooks.signing import signature_headers
from campaigns_app.webhooks.states import DeliveryState

NAME = "webhooks_vs_client"


def measure(bench: Bench) -> BenchRow:
    """One worker that delivers what a campaign left in the outbox, against the bare client."""
    with sink.open_sink() as listener, bench.processes.doing(1, sink.swallow, listener):
        campaign_id = make_due_campaign(
            db.session(), bench.pick(25_000, 2_500, 20), endpoint_url=sink.url_of(listener)
        )

        def with_worker() -> Timing:
            wipe_results(campaign_id)
            bench.processes.call(engine.carry_out, campaign_id)
            settle()
            return bench.processes.call(deliver_all)

        pairs = bench.in_turns(with_worker, lambda: bench.processes.call(send_prepared))
    lost = sum(timing.count for timing in pairs.against) - sum(t.count for t in pairs.measured)
    return BenchRow(
        name=NAME,
        value=pairs.rate,
        unit="deliveries/s",
        against=f"the HTTP client alone, {pairs.rate_against:,.0f} requests/s",
        ratio=pairs.speed,
        bar=Bar(0.6),
        fault=f"{lost} were not delivered" if lost else None,
    )


def deliver_all() -> Timing:
    """Deliver everything that is due. Counts the deliveries with an attempt that succeeded."""
    timing = timed(0, _deliver_while_due)
    delivered = select(func.count()).select_from(WebhookDelivery)
    delivered = delivered.join(WebhookAttempt, WebhookAttempt.delivery_id == WebhookDelivery.id)
    delivered = delivered.where(WebhookDelivery.state == DeliveryState.DELIVERED)
    return replace(timing, count=db.session.scalar(delivered) or 0)


def send_prepared() -> Timing:
    """Send the same bodies, signed beforehand, by the same client, as many at once."""
    rows = db.session.execute(
        select(WebhookEndpoint.url, WebhookEndpoint.secret, WebhookEvent.uid, WebhookEvent.payload)
        .join(WebhookDelivery, WebhookDelivery.event_id == WebhookEvent.id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .order_by(WebhookDelivery.id)
    )
    seconds = int(utcnow().timestamp())
    requests = [
        Request(
            row.url,
            body := row.payload.encode(),
            signature_headers((row.secret,), row.uid, seconds, body),
        )
        for row in rows
    ]
    db.session.rollback()
    config = current_app.config
    policy = Policy(
        allowed_networks=config["WEBHOOK_ALLOWED_NETWORKS"],
        timeout_seconds=config["WEBHOOK_TIMEOUT_SECONDS"],
        # A worker's share for the one endpoint there is.
        connections=min(config["WEBHOOK_CONCURRENCY"], config["WEBHOOK_ENDPOINT_CONCURRENCY"]),
    )
    return client.send_prepared(requests, policy, HEADERS)


def _deliver_while_due() -> None:
    while enqueue_due_deliveries():
        deliver_webhooks()
