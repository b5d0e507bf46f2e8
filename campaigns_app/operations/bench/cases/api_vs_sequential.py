"""How much faster an API campaign is than the specification's own algorithm."""

from campaigns_app.extensions import db
from campaigns_app.operations.bench import engine, sequential
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.measuring import Timing
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.slate import wipe_results

NAME = "api_vs_sequential"


def measure(bench: Bench) -> BenchRow:
    """One worker against one that takes contact after contact, of whom there are fewer."""
    large = make_due_campaign(db.session(), bench.pick(20_000, 2_500, 60))
    small = make_due_campaign(db.session(), bench.pick(2_000, 150, 20))

    def with_engine() -> Timing:
        wipe_results(large)
        return bench.processes.call(engine.carry_out, large)

    def one_by_one() -> Timing:
        wipe_results(small)
        return bench.processes.call(sequential.carry_out, small)

    pairs = bench.in_turns(with_engine, one_by_one)
    return BenchRow(
        name=NAME,
        value=pairs.rate,
        unit="contacts/s",
        against=f"one by one through the ORM, {pairs.rate_against:,.0f} contacts/s",
        ratio=pairs.speed,
        bar=Bar(15),
    )
