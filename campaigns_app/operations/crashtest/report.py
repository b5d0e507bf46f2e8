"""What a crash test tells in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from campaigns_app.operations.crashtest.nemesis import Fault
from campaigns_app.operations.crashtest.promise import Promise


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, and what came of it. `faults_at_work` struck while recipients were pending;
    `webhooks_repeated` came again after they had been taken."""

    seed: int
    database: str
    channel: str
    contacts: int
    campaigns: int
    seconds: float
    faults: Mapping[Fault, int]
    faults_at_work: int
    webhooks: int
    webhooks_repeated: int
    promises: Sequence[Promise]

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return all(promise.held for promise in self.promises)

    def as_dict(self) -> dict[str, Any]:
        """Everything, by name, as plain values."""
        return {
            "seed": self.seed,
            "database": self.database,
            "channel": self.channel,
            "contacts": self.contacts,
            "campaigns": self.campaigns,
            "seconds": round(self.seconds, 1),
            "faults": {fault.value: count for fault, count in sorted(self.faults.items())},
            "faults_at_work": self.faults_at_work,
            "webhooks": self.webhooks,
            "webhooks_repeated": self.webhooks_repeated,
            "promises": [
                {
                    "promise": promise.name,
                    "expected": promise.expected,
                    "at_most": promise.at_most,
                    "found": promise.found,
                    "held": promise.held,
                }
                for promise in self.promises
            ],
            "held": self.held,
        }


def print_report(report: Report, console: Console) -> None:
    """The faults by kind, and each promise, as tables."""
    console.print(
        f"\nseed {report.seed}, {report.database}, {report.seconds:,.0f} s: "
        f"{report.campaigns:,} campaigns ({report.channel}) to {report.contacts:,} contacts each, "
        f"{report.webhooks:,} webhooks of which {report.webhooks_repeated:,} came again, "
        f"{report.faults_at_work} of {sum(report.faults.values())} faults in the middle of sending"
    )
    faults = _table("fault", "times")
    for fault, count in sorted(report.faults.items()):
        faults.add_row(fault.value, f"{count:,}")
    console.print(faults)
    promises = _table("promise", "expected", "found", "held")
    for promise in report.promises:
        held = "yes" if promise.held else "[red]NO[/red]"
        expected = f"{'at most ' if promise.at_most else ''}{promise.expected:,}"
        promises.add_row(promise.name, expected, f"{promise.found:,}", held)
    console.print(promises)


def _table(name: str, *numbers: str) -> Table:
    table = Table()
    table.add_column(name)
    for number in numbers:
        table.add_column(number, justify="right")
    return table
