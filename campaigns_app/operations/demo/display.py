"""What a person at the terminal sees of the demonstration."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.status import Status
from rich.table import Table
from rich.text import Text

from campaigns_app.operations.demo.figures import Figures
from campaigns_app.webhooks.events import OPENING_EVENTS

WEBHOOKS_EACH = len(OPENING_EVENTS)


class Display:
    """Says what is done, line by line, with bars while something takes its time.

    Without a terminal there are no bars. With `quiet_output`, everything goes to standard error.
    """

    def __init__(self, *, quiet_output: bool) -> None:
        self.console = Console(stderr=quiet_output, highlight=False, soft_wrap=True)

    def done(self, text: str) -> None:
        """A step was completed."""
        self.console.print(Text.assemble(("✓ ", "green"), text))

    def note(self, text: str) -> None:
        """A line of its own, exactly as it is."""
        self.console.print(Text(text))

    def fault(self, text: str) -> None:
        """Something is not as it should be."""
        self.console.print(Text.assemble(("✗ ", "red"), text))

    def waiting(self, text: str) -> Status:
        """A context during which something goes on whose progress is not shown."""
        return self.console.status(text)

    @contextmanager
    def bars(self) -> Iterator["Bars"]:
        """The progress of a campaign, for as long as the block lasts."""
        with Progress(
            TextColumn("  {task.description:<22}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        ) as progress:
            yield Bars(progress)

    def summary(self, summary: Mapping[str, int | float]) -> None:
        """The figures, as a table."""
        table = Table(show_header=False, box=None, padding=(0, 2))
        table.add_column(justify="left")
        table.add_column(justify="right")
        for name, value in summary.items():
            table.add_row(name.replace("_", " "), f"{value:,}")
        self.console.print(table)


class Bars:
    """Four bars: recipients, conversations, webhooks sent, webhooks verified."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._recipients, self._conversations, self._sent, self._verified = (
            progress.add_task(name, total=None)
            for name in ("recipients", "conversations", "webhooks sent", "webhooks verified")
        )

    def show(self, figures: Figures) -> None:
        """Move the bars to where the campaign is."""
        counts = figures.counts
        reachable = counts.total - counts.skipped
        webhooks = WEBHOOKS_EACH * reachable
        for task, done, total in (
            (self._recipients, counts.done, counts.total),
            (self._conversations, figures.conversations, reachable),
            (self._sent, figures.deliveries_made, webhooks),
            (self._verified, figures.arrivals.verified, webhooks),
        ):
            self._progress.update(task, completed=done, total=total or None)
