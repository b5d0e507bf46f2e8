"""Whether a worker needs more memory for a large campaign than for a small one."""

from campaigns_app.extensions import db
from campaigns_app.operations.bench import engine
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.measuring import peak_mib
from campaigns_app.operations.bench.seeding import make_due_campaign

NAME = "memory_1m_vs_10k"


def measure(bench: Bench) -> BenchRow:
    """The most memory a worker ever has that carries out a large campaign, and a small one."""
    large, small = bench.pick((1_000_000, 10_000), (10_000, 1_000), (60, 20))
    peak_small = bench.processes.call(carry_out, make_due_campaign(db.session(), small))
    peak_large = bench.processes.call(carry_out, make_due_campaign(db.session(), large))
    return BenchRow(
        name=NAME,
        value=peak_large,
        unit=f"MiB at {large:,} recipients",
        against=f"{peak_small:,.0f} MiB at {small:,} recipients",
        ratio=peak_large / peak_small,
        bar=Bar(1.2, is_ceiling=True),
    )


def carry_out(campaign_id: int) -> float:
    """Carry the campaign out; returns the most memory that took, in MiB."""
    engine.work_until_finished(campaign_id)
    return peak_mib()
