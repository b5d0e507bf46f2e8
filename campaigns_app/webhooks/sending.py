"""Sending a block of deliveries at once; knows the network, not the database."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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

    `attempts` were made before; `secrets` are those to sign with, the newest first.
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

    Deliveries of one conversation to one endpoint go one after another, in their order. An
    endpoint gets at most half of the requests under way when there are others in the block. One
    that is overloaded, and has taken nothing from this block yet, is left alone: it is in
    `overloaded`, and what was not yet sent to it stays unsent.
    """

    def __init__(self, http: HttpClient, block: Sequence[ClaimedDelivery], concurrency: int):
        self.attempts: list[Attempt] = []
        self.overloaded: set[int] = set()
        self._http = http
        self._block = block
        self._slots = asyncio.Semaphore(concurrency)
        endpoint_ids = {delivery.endpoint_id for delivery in block}
        share = concurrency if len(endpoint_ids) == 1 else (concurrency + 1) // 2
        self._shares = {endpoint_id: asyncio.Semaphore(share) for endpoint_id in endpoint_ids}
        self._taken: Counter[int] = Counter()
        self._gone: set[int] = set()

    async def send(self, seconds: float) -> list[Attempt]:
        """Send what can be begun within `seconds`; returns the attempts that were made.

        Takes as long as the client's deadline beyond that.
        """
        self._ends = time.monotonic() + seconds
        await asyncio.gather(*(self._send_chain(chain) for chain in _chains(self._block)))
        return self.attempts

    async def _send_chain(self, chain: Sequence[ClaimedDelivery]) -> None:
        endpoint_id = chain[0].endpoint_id
        async with self._shares[endpoint_id], self._slots:
            for delivery in chain:
                if self._is_over(endpoint_id):
                    return
                self._note(await attempt(self._http, delivery))

    def _is_over(self, endpoint_id: int) -> bool:
        left_alone = endpoint_id in self.overloaded or endpoint_id in self._gone
        return left_alone or time.monotonic() > self._ends

    def _note(self, made: Attempt) -> None:
        self.attempts.append(made)
        endpoint_id = made.delivery.endpoint_id
        if made.is_delivered:
            self._taken[endpoint_id] += 1
        elif made.is_gone:
            self._gone.add(endpoint_id)
        elif made.is_overloaded and not self._taken[endpoint_id]:
            self.overloaded.add(endpoint_id)


async def attempt(http: HttpClient, delivery: ClaimedDelivery) -> Attempt:
    """Send one delivery, signed with the time of this attempt; whatever comes of it is returned."""
    started_at = utcnow()
    body = delivery.payload.encode()
    headers = signature_headers(delivery.secrets, delivery.uid, int(started_at.timestamp()), body)
    try:
        answer = await http.post(delivery.url, body, headers)
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


def _chains(block: Sequence[ClaimedDelivery]) -> list[list[ClaimedDelivery]]:
    """The block in rows of which each must go in its order."""
    chains: dict[tuple[int, int | None, int], list[ClaimedDelivery]] = {}
    for delivery in block:
        alone = delivery.id if delivery.conversation_id is None else 0
        key = (delivery.endpoint_id, delivery.conversation_id, alone)
        chains.setdefault(key, []).append(delivery)
    return list(chains.values())


def _as_text(body: bytes) -> str:
    """The body as it can be stored: PostgreSQL keeps no NUL."""
    return body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
