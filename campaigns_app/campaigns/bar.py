"""A campaign's counts as one bar of many parts."""

from dataclasses import dataclass

from campaigns_app.campaigns.report import Counts
from campaigns_app.campaigns.states import RecipientState

LENGTH = 1000
"""The bar's own units; a part that is there at all is at least a few of them long."""

LEAST = 4

ORDER = (
    RecipientState.READ,
    RecipientState.DELIVERED,
    RecipientState.SENT,
    RecipientState.SENDING,
    RecipientState.UNKNOWN,
    RecipientState.FAILED,
    RecipientState.SKIPPED,
    RecipientState.CANCELLED,
    RecipientState.PENDING,
)
"""From what went best to what has not begun."""


@dataclass(frozen=True, slots=True)
class Part:
    """The recipients in one state: how many, and where on the bar, in its units."""

    state: RecipientState
    count: int
    start: float
    length: float


def bar_of(counts: Counts) -> list[Part]:
    """The parts of the bar, in order, those with somebody in them only."""
    filled = [(state, getattr(counts, state)) for state in ORDER if getattr(counts, state)]
    spare = LENGTH - LEAST * len(filled)
    parts: list[Part] = []
    start = 0.0
    for state, count in filled:
        length = LEAST + spare * count / counts.total
        parts.append(Part(state, count, round(start, 2), round(length, 2)))
        start += length
    return parts
