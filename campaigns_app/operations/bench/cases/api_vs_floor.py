"""How near an API campaign comes to what the database can do at all."""

from campaigns_app.extensions import db
from campaigns_app.operations.bench import engine, floor
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.measuring import Timing
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.slate import wipe_results

NAME = "api_vs_floor"


def measure(bench: Bench) -> BenchRow:
    """One worker, from the start of the campaign to its end, against the floor."""
    contacts = bench.pick(50_000, 6_000, 60)
    campaign_id = make_due_campaign(db.session(), contacts)

    def with_engine() -> Timing:
        wipe_results(campaign_id)
        return bench.processes.call(engine.carry_out, campaign_id)

    def with_floor() -> Timing:
        return bench.processes.call(floor.rewrite, campaign_id, (500, 2_000, contacts))

    pairs = bench.in_turns(with_engine, with_floor)
    return BenchRow(
        name=NAME,
        value=pairs.rate,
        unit="contacts/s",
        against=f"the same rows in bulk, {pairs.rate_against:,.0f} contacts/s",
        ratio=pairs.speed,
        bar=Bar(0.5),
    )
