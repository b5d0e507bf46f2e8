"""What a case of the benchmark is given, and what it tells."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from campaigns_app.operations.bench.measuring import Processes, Timing

Choice = TypeVar("Choice")


class Size(StrEnum):
    """How much is measured: for the record, in two minutes, or just to see that it runs."""

    FULL = "full"
    QUICK = "quick"
    TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Bar:
    """How good a ratio has to be: at least `limit`, or at most, where `is_ceiling`."""

    limit: float
    is_ceiling: bool = False

    def is_met_by(self, ratio: float) -> bool:
        """Whether the ratio is good enough."""
        return ratio <= self.limit if self.is_ceiling else ratio >= self.limit

    def __str__(self) -> str:
        return f"{'at most' if self.is_ceiling else 'at least'} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One line of the result. `ratio` compares `value` with what it is measured `against`.

    Without a `bar` it is reported and not judged. A `fault` is what else must not be, and is.
    """

    name: str
    value: float
    unit: str
    against: str
    ratio: float
    bar: Bar | None
    fault: str | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the bar is met; none where there is none."""
        if self.fault is not None:
            return False
        return None if self.bar is None else self.bar.is_met_by(self.ratio)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two things measured in turns, so that a machine that becomes slower does so for both."""

    measured: Sequence[Timing]
    against: Sequence[Timing]

    @property
    def rate(self) -> float:
        """Things done a second, the median."""
        return statistics.median(timing.rate for timing in self.measured)

    @property
    def rate_against(self) -> float:
        """The same of what it is measured against."""
        return statistics.median(timing.rate for timing in self.against)

    @property
    def speed(self) -> float:
        """How many times as fast the one is as the other: the median over the turns."""
        turns = zip(self.measured, self.against, strict=True)
        return statistics.median(one.rate / other.rate for one, other in turns)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a case measures with. The application's context is open, and its database empty."""

    processes: Processes
    size: Size

    def pick(self, full: Choice, quick: Choice, tiny: Choice) -> Choice:
        """The one for the present size."""
        return {Size.FULL: full, Size.QUICK: quick, Size.TINY: tiny}[self.size]

    @property
    def turns(self) -> int:
        """How many times each thing is measured."""
        return self.pick(3, 3, 1)

    def in_turns(self, measure: Callable[[], Timing], against: Callable[[], Timing]) -> Pairs:
        """Measure both, one after the other, several times."""
        turns = [(measure(), against()) for _ in range(self.turns)]
        return Pairs([one for one, _ in turns], [other for _, other in turns])
