"""Whether an endpoint that does not answer makes the others wait."""

import json
from datetime import timedelta
from math import ceil

from sqlalchemy import select

from campaigns_app.accounts.models import Account
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.operations.bench import sink
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.measuring import Timing
from campaigns_app.operations.bench.slate import settle, wipe_all
from campaigns_app.webhooks.events import WEBHOOK_TEST, iso
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from campaigns_app.webhooks.outbox import Event, record_events
from campaigns_app.webhooks.signing import new_secret
from campaigns_app.webhooks.states import DeliveryState

NAME = "webhooks_fairness"

HEALTHY_ENDPOINTS = 50


def measure(bench: Bench) -> BenchRow:
    """How long healthy endpoints wait for their events beside a dead one, and without it."""
    events = bench.pick(100, 20, 2)
    # The dead one takes connections, and nobody ever answers.
    with sink.open_sink() as dead, sink.open_sink() as healthy:
        with bench.processes.doing(1, sink.swallow, healthy):

            def deliver(*dead_urls: str) -> Timing:
                _fill_outbox(sink.url_of(healthy), dead_urls, events)
                return bench.processes.call(deliver_and_ask_how_late)

            pairs = bench.in_turns(lambda: deliver(sink.url_of(dead)), deliver)
        return BenchRow(
            name=NAME,
            value=1000 / pairs.rate,
            unit="ms at the 95th percentile",
            against=f"{1000 / pairs.rate_against:,.0f} ms without the dead endpoint",
            ratio=1 / pairs.speed,
            bar=Bar(1.5, is_ceiling=True),
        )


def deliver_and_ask_how_late() -> Timing:
    """Deliver what is due. The time it tells is that after which nineteen of twenty events had
    arrived, of those that did."""
    began_at = utcnow()
    deliver_webhooks()
    rows = db.session.execute(
        select(WebhookAttempt.started_at, WebhookAttempt.duration_ms)
        .join(WebhookDelivery, WebhookDelivery.id == WebhookAttempt.delivery_id)
        .where(WebhookDelivery.state == DeliveryState.DELIVERED)
    )
    waits = sorted(
        (row.started_at + timedelta(milliseconds=row.duration_ms) - began_at).total_seconds()
        for row in rows
    )
    return Timing(1, 0.0, waits[ceil(0.95 * len(waits)) - 1])


def _fill_outbox(healthy_url: str, dead_urls: tuple[str, ...], events: int) -> None:
    """The same events for every endpoint; each is as if it had just been made. Commits."""
    wipe_all()
    session = db.session()
    account = Account(name="Benchmark")
    session.add(account)
    session.flush()
    urls = (*dead_urls, *(f"{healthy_url}{number}" for number in range(HEALTHY_ENDPOINTS)))
    endpoints = [
        WebhookEndpoint(
            account_id=account.id,
            url=url,
            secret=new_secret(),
            subscriptions=[WEBHOOK_TEST],
        )
        for url in urls
    ]
    session.add_all(endpoints)
    session.flush()
    subscribers = {WEBHOOK_TEST: tuple(endpoint.id for endpoint in endpoints)}
    told = [Event(WEBHOOK_TEST, _payload(account), number + 1) for number in range(events)]
    record_events(session, account.id, told, subscribers, utcnow() - timedelta(seconds=1))
    session.commit()
    settle()


def _payload(account: Account) -> str:
    return json.dumps(
        {
            "account": {"id": account.id, "name": account.name},
            "webhook": {"id": 1, "name": ""},
            "occurred_at": iso(utcnow()),
            "event": WEBHOOK_TEST,
        }
    )
