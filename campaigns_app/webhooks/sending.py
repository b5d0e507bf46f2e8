"""Sending a block of deliveries at once; knows the network, not the database."""

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version

from campaigns_app.database.types import utcnow
from campaigns_app.http_client import Blocked, HttpClient, RequestFailed, TimedOut
from campaigns_app.webhooks.schedule import OVERLOAD_STATUSES
from campaigns_app.webhooks.signing import signature_headers

HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": f"Campaigns-Webhooks/{version('campaigns')}",
}
"""The headers that all requests have in common."""

GONE = 410


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that this worker holds, with everything that is needed to send it.

    `attempts` were made before; `secrets` are those to sign with, the newest first; `headers` are
    the endpoint's own.
    """

    id: int
    fence: int
    attempts: int
    endpoint_id: int
    conversation_id: int | None
    uid: str
    payload: str
    url: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt: either a `status` or an `error`, a short phrase."""

    delivery: ClaimedDelivery
    started_at: datetime
    duration_ms: int
    status: int | None = None
    error: str | None = None
    body: str | None = None
    retry_after: float | None = None
    is_overloaded: bool = False

    @property
    def is_delivered(self) -> bool:
        """Whether the endpoint took the event."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint wants to hear of nothing any more."""
        return self.status == GONE


class Dispatch:
    """One block of deliveries on its way.

    Deliveries of one conversation to one endpoint go one after another, in their order. Endpoints
    take turns, and one of several gets at most half of the requests under way. One that is
    overloaded, and has taken nothing from this block yet, is left alone: it is in `overloaded`,
    and what was not yet sent to it stays unsent.
    """

    def __init__(
        self, http: HttpClient, block: Sequence[ClaimedDelivery], concurrency: int
    ) -> None:
        self.attempts: list[Attempt] = []
        self.overloaded: set[int] = set()
        self._http = http
        self._lines = _lines(block)
        self._concurrency = min(concurrency, len(block))
        self._share = concurrency if len(self._lines) == 1 else (concurrency + 1) // 2
        self._under_way: Counter[int] = Counter()
        self._taken: set[int] = set()
        self._gone: set[int] = set()

    async def send(self, seconds: float) -> list[Attempt]:
        """Send what can be begun within `seconds`; returns the attempts that were made.

        Takes as long as the client's deadline beyond that.
        """
        self._ends = time.monotonic() + seconds
        await asyncio.gather(*(self._send_chains() for _ in range(self._concurrency)))
        return self.attempts

    async def _send_chains(self) -> None:
        """Send one chain after another, until there is none that may be begun. The endpoints left
        then have their share of requests under way, and those go on with what is left for them."""
        while (endpoint_id := self._next_endpoint()) is not None:
            self._under_way[endpoint_id] += 1
            for delivery in self._lines[endpoint_id].popleft():
                if self._is_over(endpoint_id):
                    break
                self._note(await attempt(self._http, delivery))
            self._under_way[endpoint_id] -= 1

    def _next_endpoint(self) -> int | None:
        """The endpoint whose turn it is; it goes to the end of the line."""
        for endpoint_id, line in self._lines.items():
            if line and self._under_way[endpoint_id] < self._share:
                self._lines[endpoint_id] = self._lines.pop(endpoint_id)
                return endpoint_id
        return None

    def _is_over(self, endpoint_id: int) -> bool:
        left_alone = endpoint_id in self.overloaded or endpoint_id in self._gone
        return left_alone or time.monotonic() > self._ends

    def _note(self, made: Attempt) -> None:
        self.attempts.append(made)
        endpoint_id = made.delivery.endpoint_id
        if made.is_delivered:
            self._taken.add(endpoint_id)
        elif made.is_gone:
            self._gone.add(endpoint_id)
        elif made.is_overloaded and endpoint_id not in self._taken:
            self.overloaded.add(endpoint_id)


async def attempt(http: HttpClient, delivery: ClaimedDelivery) -> Attempt:
    """Send one delivery, signed with the time of this attempt; whatever comes of it is returned."""
    started_at = utcnow()
    body = delivery.payload.encode()
    signed = signature_headers(delivery.secrets, delivery.uid, int(started_at.timestamp()), body)
    try:
        answer = await http.post(delivery.url, body, {**delivery.headers, **signed})
    except RequestFailed as failure:
        return Attempt(
            delivery=delivery,
            started_at=started_at,
            # Time spent on a blocked destination would tell whether its name exists inside.
            duration_ms=0 if isinstance(failure, Blocked) else failure.duration_ms,
            error=str(failure),
            is_overloaded=isinstance(failure, TimedOut),
        )
    return Attempt(
        delivery=delivery,
        started_at=started_at,
        duration_ms=answer.duration_ms,
        status=answer.status,
        body=_as_text(answer.body),
        retry_after=answer.retry_after,
        is_overloaded=answer.status in OVERLOAD_STATUSES,
    )


def _lines(block: Sequence[ClaimedDelivery]) -> dict[int, deque[list[ClaimedDelivery]]]:
    """The block by endpoint, as chains of which each must go in its order."""
    chains: dict[tuple[int, int | None, int], list[ClaimedDelivery]] = {}
    for delivery in block:
        alone = delivery.id if delivery.conversation_id is None else 0
        key = (delivery.endpoint_id, delivery.conversation_id, alone)
        chains.setdefault(key, []).append(delivery)
    lines: dict[int, deque[list[ClaimedDelivery]]] = defaultdict(deque)
    for (endpoint_id, _, _), chain in chains.items():
        lines[endpoint_id].append(chain)
    return dict(lines)


def _as_text(body: bytes) -> str:
    """The body as it can be stored: PostgreSQL keeps no NUL."""
    return body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
