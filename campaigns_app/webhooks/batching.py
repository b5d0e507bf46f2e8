"""Several events in one request, for endpoints that ask for it.

    {"type": "batch", "events": [{"id": "msg_…", "event": {…}}, …]}

An envelope, and an id for each event inside it: an event that is sent again, in whatever company,
keeps its id, so that a consumer can drop what it has seen. The request has an id of its own. It is
taken as a whole or failed as a whole.
"""

from collections import deque
from collections.abc import Sequence
from secrets import token_hex
from typing import Protocol, TypeVar

LARGEST_BATCH = 500
"""The most events in one request."""

LARGEST_BATCH_BYTES = 1_000_000
"""No event is added to a request that would become larger. One alone may be."""


class Told(Protocol):
    """What is sent of an event: its id, and its JSON text."""

    @property
    def uid(self) -> str:
        """The id under which a consumer knows it."""

    @property
    def payload(self) -> str:
        """The JSON text."""


AnyTold = TypeVar("AnyTold", bound=Told)


def compose(events: Sequence[Told], *, as_batch: bool) -> tuple[str, bytes]:
    """The id and the body of a request: of a batch, or of the one event there is."""
    if not as_batch:
        return events[0].uid, events[0].payload.encode()
    return f"batch_{token_hex(16)}", batch_body([(one.uid, one.payload) for one in events])


def batch_body(events: Sequence[tuple[str, str]]) -> bytes:
    """The envelope around events, given as id and JSON text."""
    entries = ",".join(f'{{"id":"{uid}","event":{payload}}}' for uid, payload in events)
    return f'{{"type":"batch","events":[{entries}]}}'.encode()


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
