"""Requests to an endpoint: signed, sent, and whatever comes of them; knows no database."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import NamedTuple

from campaigns_app.http_client import Blocked, HttpClient, RequestFailed, TimedOut
from campaigns_app.webhooks.batching import batch_uid, compose
from campaigns_app.webhooks.schedule import OVERLOAD_STATUSES
from campaigns_app.webhooks.signing import signature_headers

logger = logging.getLogger(__name__)

HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": f"Campaigns-Webhooks/{version('campaigns')}",
}
"""The headers that all requests have in common."""

GONE = 410

LARGE_BYTES = 100_000
"""To hash more than this takes longer than to have a thread do it, beside the interpreter."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An endpoint as a sender needs it. `secrets` are those to sign with, the newest first."""

    endpoint_id: int
    url: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = 1
    is_failing: bool = False


class ClaimedDelivery(NamedTuple):
    """A delivery that this worker holds, with everything that is needed to send it.

    `attempts` of the schedule were made before. With `resumes_as` it is a person who asked for
    this one: see `WebhookDelivery`. `claimed_at` is by the monotonic clock. A tuple, for a worker
    makes thousands a second.
    """

    id: int
    attempts: int
    resumes_as: str | None
    event_id: int
    conversation_id: int | None
    uid: str
    payload: bytes
    block_id: int
    destination: Destination
    claimed_at: float


class ClaimedBundle(NamedTuple):
    """A bundle that this worker holds, and the body of the request that tells of it. `claimed_at`
    is by the monotonic clock."""

    id: int
    event_ids: Sequence[int]
    body: bytes
    block_id: int
    destination: Destination
    claimed_at: float


class Request(NamedTuple):
    """A request as it is to be sent. It tells of all `deliveries`: several only where the
    destination takes batches. Or it tells of a `bundle`. `uid` is its `webhook-id`, `headers` are
    those that not all requests have, `claimed_at` is by the monotonic clock."""

    destination: Destination
    deliveries: tuple[ClaimedDelivery, ...]
    uid: str
    body: bytes
    headers: Mapping[str, str]
    claimed_at: float
    bundle: ClaimedBundle | None = None

    @property
    def is_batch(self) -> bool:
        """Whether it may tell of several events."""
        return self.destination.batch_size > 1

    @property
    def event_ids(self) -> Sequence[int]:
        """The ids of all the events that it tells of, in their order."""
        return self.bundle.event_ids if self.bundle else [one.event_id for one in self.deliveries]

    @property
    def event_count(self) -> int:
        """How many events it tells of."""
        return len(self.bundle.event_ids) if self.bundle else len(self.deliveries)


class Attempt(NamedTuple):
    """What came of a request that was begun at `started_at`, in Unix seconds: either a `status`,
    with the beginning of the `body`, or an `error`, a short phrase.

    A worker makes thousands a second in the middle of all else: what need not be done there is done
    when they are written down.
    """

    request: Request
    started_at: float
    duration_ms: int
    status: int | None = None
    error: str | None = None
    body: bytes | None = None
    retry_after: float | None = None
    is_overloaded: bool = False

    @property
    def is_delivered(self) -> bool:
        """Whether the endpoint took what it was told."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint wants to hear of nothing any more."""
        return self.status == GONE


@dataclass(slots=True)
class Outcome:
    """What came of a part of what was claimed: attempts, what was not sent and is to be given
    back, and for how many seconds endpoints are to be left alone, by their ids."""

    attempts: list[Attempt] = field(default_factory=list)
    unsent: list[ClaimedDelivery] = field(default_factory=list)
    unsent_bundles: list[ClaimedBundle] = field(default_factory=list)
    resting: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Claimed:
    """What a worker has taken at once."""

    deliveries: list[ClaimedDelivery] = field(default_factory=list)
    bundles: list[ClaimedBundle] = field(default_factory=list)

    @property
    def event_count(self) -> int:
        """How many events there are in all of it."""
        return len(self.deliveries) + sum(len(bundle.event_ids) for bundle in self.bundles)


def sign_requests(parcels: Iterable[Sequence[ClaimedDelivery]]) -> list[Request]:
    """A request for each of `parcels`, signed now: to be sent within seconds."""
    timestamp = int(time.time())
    return [_signed(parcel, timestamp) for parcel in parcels]


def _signed(deliveries: Sequence[ClaimedDelivery], timestamp: int) -> Request:
    first = deliveries[0]
    to = first.destination
    uid, body = compose(deliveries, as_batch=to.batch_size > 1)
    headers = _headers(to, uid, timestamp, body)
    return Request(to, tuple(deliveries), uid, body, headers, first.claimed_at)


async def sign_bundle(bundle: ClaimedBundle) -> Request:
    """The request for a bundle, signed now. While a large one is, the loop goes on."""
    to, uid, timestamp = bundle.destination, batch_uid(), int(time.time())
    if len(bundle.body) < LARGE_BYTES:
        headers = _headers(to, uid, timestamp, bundle.body)
    else:
        headers = await asyncio.to_thread(_headers, to, uid, timestamp, bundle.body)
    return Request(to, (), uid, bundle.body, headers, bundle.claimed_at, bundle)


def _headers(to: Destination, uid: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    signatures = signature_headers(to.secrets, uid, timestamp, body)
    return {**to.headers, **signatures} if to.headers else signatures


async def attempt(http: HttpClient, request: Request) -> Attempt:
    """Send `request`; whatever comes of it is returned."""
    started_at = time.time()
    try:
        answer = await http.post(request.destination.url, request.body, request.headers)
    except RequestFailed as failure:
        # Time spent on a blocked destination would tell whether its name exists inside.
        duration_ms = 0 if isinstance(failure, Blocked) else failure.duration_ms
        is_overloaded = isinstance(failure, TimedOut)
        return Attempt(
            request, started_at, duration_ms, error=str(failure), is_overloaded=is_overloaded
        )
    # What one endpoint says or is must not end the work for all of them, again and again.
    except Exception:
        logger.exception("Webhook endpoint %s could not be asked", request.destination.endpoint_id)
        return Attempt(request, started_at, duration_ms=0, error="no answer")
    return Attempt(
        request,
        started_at,
        answer.duration_ms,
        answer.status,
        None,
        answer.body,
        answer.retry_after,
        answer.status in OVERLOAD_STATUSES,
    )
