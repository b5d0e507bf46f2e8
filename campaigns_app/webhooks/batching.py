"""Several events in one request, for endpoints that ask for it.

    {"type": "batch", "events": [{"id": "msg_…", "event": {…}}, …]}

An envelope, and an id for each event inside it: an event that is sent again, in whatever company,
keeps its id, so that a consumer can drop what it has seen. The request has an id of its own. It is
taken as a whole or failed as a whole.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from secrets import token_hex
from typing import Protocol, TypeVar

from campaigns_app.database.at_once import Frame

LARGEST_BATCH = 500
"""The most events in one request."""

LARGEST_BATCH_BYTES = 1_000_000
"""No event is added to a request that would become larger. One alone may be."""


class Told(Protocol):
    """What is sent of an event: its id, and its JSON text in UTF-8."""

    @property
    def uid(self) -> str:
        """The id under which a consumer knows it."""

    @property
    def payload(self) -> bytes:
        """The JSON text."""


AnyTold = TypeVar("AnyTold", bound=Told)


def compose(events: Sequence[Told], *, as_batch: bool) -> tuple[str, bytes]:
    """The id and the body of a request: of a batch, or of the one event there is."""
    if not as_batch:
        return events[0].uid, events[0].payload
    return batch_uid(), batch_body([(one.uid, one.payload) for one in events])


def batch_uid() -> str:
    """An id for a request that may tell of several events."""
    return f"batch_{token_hex(16)}"


WITHIN = '","event":'
"""What stands between the id and the JSON text of an event."""

FRAME = Frame(before='{"type":"batch","events":[{"id":"', between='},{"id":"', after="}]}")
"""What stands around and between the events."""


def batch_body(events: Iterable[tuple[str, bytes]]) -> bytes:
    """The envelope around events, given as id and JSON text in UTF-8."""
    before, between, after = map(str.encode, FRAME)
    entries = [f"{uid}{WITHIN}".encode() + payload for uid, payload in events]
    return b"".join((before, between.join(entries), after))


def cut(chains: Sequence[deque[AnyTold]], size: int) -> list[AnyTold]:
    """Take the next events for one request from the chains, in order: `size` at most."""
    taken: list[AnyTold] = []
    total = 0
    for chain in chains:
        while chain and len(taken) < size:
            total += len(chain[0].payload)
            if taken and total > LARGEST_BATCH_BYTES:
                return taken
            taken.append(chain.popleft())
    return taken


def full_batches(events: Sequence[tuple[int, int | None, int]], size: int) -> Iterator[list[int]]:
    """Lists of events, each of as many as one request of `size` events takes without dividing a
    conversation. What would not fill another is left out.

    Of each event the id, the conversation's id, and the length of its JSON text are given.
    """
    batch: list[int] = []
    total = 0
    for conversation in _conversations(events):
        length = sum(one[2] for one in conversation)
        has_room = len(batch) + len(conversation) <= size and total + length <= LARGEST_BATCH_BYTES
        if batch and not has_room:
            yield batch
            batch, total = [], 0
        if len(conversation) <= size:
            batch += [one[0] for one in conversation]
            total += length
    if len(batch) == size:
        yield batch


def _conversations(
    events: Sequence[tuple[int, int | None, int]],
) -> Iterator[list[tuple[int, int | None, int]]]:
    for conversation_id, group in groupby(events, key=lambda one: one[1]):
        if conversation_id is None:
            yield from ([one] for one in group)
        else:
            yield list(group)
