"""What is measured, against what, and how good it has to be."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.report import count_states
from campaigns_app.extensions import db
from campaigns_app.operations.bench.measuring import Measured, measure
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.sequential import execute_sequentially


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many contacts each measurement takes."""

    sequential: int
    small: int
    large: int


FULL = Sizes(sequential=2_000, small=10_000, large=100_000)
QUICK = Sizes(sequential=500, small=4_000, large=20_000)


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One line of the result. `ratio` is `value` over what it is measured `against`; it `holds`
    when it is at least the `bar`, or at most, where `is_ceiling`."""

    name: str
    value: float
    unit: str
    against: str
    ratio: float
    bar: float
    is_ceiling: bool

    @property
    def holds(self) -> bool:
        """Whether the bar is met."""
        return self.ratio <= self.bar if self.is_ceiling else self.ratio >= self.bar


def run_cases(environ: dict[str, str], folder: Path, sizes: Sizes) -> Iterator[BenchRow]:
    """Measure, and tell each result as soon as it is known."""
    log = folder / "bench.log"
    sequential = measure(environ, log, execute_one_by_one, _seed(environ, log, sizes.sequential))
    small = measure(environ, log, execute_with_engine, _seed(environ, log, sizes.small))
    yield BenchRow(
        name="api_vs_sequential",
        value=small.rate,
        unit="contacts/s",
        against=f"one by one through the ORM, {sequential.rate:,.0f} contacts/s",
        ratio=small.rate / sequential.rate,
        bar=8.0,
        is_ceiling=False,
    )
    large = measure(environ, log, execute_with_engine, _seed(environ, log, sizes.large))
    yield BenchRow(
        name="memory_large_vs_small",
        value=large.peak_mib,
        unit=f"MiB at {sizes.large:,} contacts",
        against=f"{small.peak_mib:,.0f} MiB at {sizes.small:,} contacts",
        ratio=large.peak_mib / small.peak_mib,
        bar=1.3,
        is_ceiling=True,
    )


def seed(contacts: int) -> int:
    """Make a campaign that is due; returns its id."""
    return make_due_campaign(db.session(), contacts)


def execute_with_engine(campaign_id: int) -> int:
    """What one worker does when it is rung; returns how many contacts were reached."""
    execute_campaign(campaign_id)
    deliver_batches()
    return count_states(campaign_id).sent


def execute_one_by_one(campaign_id: int) -> int:
    """The specification's algorithm; returns how many contacts were reached."""
    return execute_sequentially(db.session(), campaign_id)


def _seed(environ: dict[str, str], log: Path, contacts: int) -> int:
    made: Measured = measure(environ, log, seed, contacts)
    return made.count
