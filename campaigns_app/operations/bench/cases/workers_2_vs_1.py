"""How much a second worker adds."""

import os

from campaigns_app.extensions import db
from campaigns_app.operations.bench import engine
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.measuring import Timing, together
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.slate import wipe_results

NAME = "workers_2_vs_1"
CORES_NEEDED = 4
"""One for each worker and one for the part of the database that serves it."""


def measure(bench: Bench) -> BenchRow:
    """The same campaign with two workers and with one."""
    campaign_id = make_due_campaign(db.session(), bench.pick(50_000, 4_000, 60))

    def with_workers(count: int) -> Timing:
        wipe_results(campaign_id)
        return together(bench.processes.call_together(count, engine.carry_out, campaign_id))

    pairs = bench.in_turns(lambda: with_workers(2), lambda: with_workers(1))
    cores = os.cpu_count() or 1
    few = "" if cores >= CORES_NEEDED else f"; not judged on {cores} cores"
    return BenchRow(
        name=NAME,
        value=pairs.rate,
        unit="contacts/s",
        against=f"one worker, {pairs.rate_against:,.0f} contacts/s{few}",
        ratio=pairs.speed,
        bar=None if few else Bar(1.5),
    )
