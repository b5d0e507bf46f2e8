"""What telling several events in one request gives."""

from dataclasses import replace

from sqlalchemy import func, select, update

from campaigns_app.extensions import db
from campaigns_app.operations.bench import engine, sink
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.cases.webhooks_vs_client import deliver_all
from campaigns_app.operations.bench.measuring import Timing
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.slate import settle, wipe_results
from campaigns_app.webhooks.batching import LARGEST_BATCH
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint
from campaigns_app.webhooks.states import DeliveryState

NAME = "webhooks_batched_vs_single"


def measure(bench: Bench) -> BenchRow:
    """One worker that delivers what a campaign left in the outbox, in batches and one by one."""
    with sink.open_sink() as listener, bench.processes.doing(1, sink.swallow, listener):
        campaign_id = make_due_campaign(
            db.session(), bench.pick(25_000, 5_000, 20), endpoint_url=sink.url_of(listener)
        )

        def deliver(batch_size: int) -> Timing:
            wipe_results(campaign_id)
            db.session.execute(update(WebhookEndpoint).values(batch_size=batch_size))
            db.session.commit()
            bench.processes.call(engine.carry_out, campaign_id)
            settle()
            return bench.processes.call(deliver_all_events)

        pairs = bench.in_turns(lambda: deliver(LARGEST_BATCH), lambda: deliver(1))
    return BenchRow(
        name=NAME,
        value=pairs.rate,
        unit="events/s",
        against=f"one by one, {pairs.rate_against:,.0f} events/s",
        ratio=pairs.speed,
        bar=Bar(10),
    )


def deliver_all_events() -> Timing:
    """Deliver everything that is due. Counts events: a batch that was taken is one attempt."""
    timing = deliver_all()
    delivered = select(func.count()).where(WebhookDelivery.state == DeliveryState.DELIVERED)
    return replace(timing, count=db.session.scalar(delivered) or 0)
