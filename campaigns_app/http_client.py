"""The only door to the network outside: one request at a time, guarded and bounded.

Every address is judged when it is dialled, by `destinations`. Nothing is taken from the
environment (no proxies, no netrc), no redirect is followed, no cookie is kept, and neither a slow
nor an endless answer can hold a worker longer than the deadline or fill its memory.

RequestFailed             no answer was got
├── Blocked               the destination is not allowed; nothing was sent
├── TimedOut              the deadline came first
├── ConnectionFailed      no connection: unknown name, refused, unreachable, no valid certificate
└── AnswerBroken          the connection was lost, or what came over it was not HTTP
"""

import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from campaigns_app.destinations import is_reachable
from campaigns_app.errors import CampaignsError
from campaigns_app.setting_values import IPNetwork

LONGEST_BODY = 16_384
"""How much of an answer's body is read, in bytes."""

LARGEST_GULP = 8_192
"""How much of an answer may lie ready for us, in bytes; the system makes it twice as much. All that
does is taken at once, and nobody else has a turn meanwhile: there may be thousands of answers in it
that only say that another will follow (RFC 9110, §15.2)."""

KEEP_ALIVE_SECONDS = 1
"""How long an idle connection is kept. Servers close theirs after two seconds and more, and one
that is closed while a request is on its way costs an attempt."""

_SECONDS = re.compile(r"[0-9]{1,9}")


class RequestFailed(CampaignsError):
    """No answer was got. The text is for people and names no address; `duration_ms` is the time
    that was spent."""

    duration_ms: int = 0


class Blocked(RequestFailed):
    """The destination is not allowed; nothing was sent."""


class TimedOut(RequestFailed):
    """The deadline came before the end of the answer."""


class ConnectionFailed(RequestFailed):
    """There was no connection to send over."""


class AnswerBroken(RequestFailed):
    """The connection was lost, or what came over it was not HTTP; it may have been received."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The bounds of a client: private networks that may be reached all the same, seconds for one
    request in all, and how many connections are open at once.

    `connect_seconds` bounds the time until there is a connection. Where it is given, `TimedOut`
    says that the request may have gone out; without a connection it is `ConnectionFailed`."""

    allowed_networks: tuple[IPNetwork, ...]
    timeout_seconds: int
    connections: int
    connect_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the beginning of the body, the milliseconds it took, and the
    seconds that `Retry-After` asks to wait."""

    status: int
    body: bytes
    duration_ms: int
    retry_after: float | None


class HttpClient:
    """Guarded connections to anywhere, open while its `async with` block lasts.

    `resolver` asks the name service; by default it is the machine's own.
    """

    def __init__(
        self,
        policy: Policy,
        headers: Mapping[str, str] | None = None,
        *,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._policy = policy
        self._headers = {"Accept-Encoding": "identity", **(headers or {})}
        self._resolver = resolver

    async def __aenter__(self) -> Self:
        policy = self._policy
        connector = aiohttp.TCPConnector(
            limit=policy.connections,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            resolver=_GuardedResolver(policy, self._resolver or ThreadedResolver()),
            # A literal address is dialled without asking the resolver.
            socket_factory=_guarded_socket(policy),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(
                total=policy.timeout_seconds, connect=policy.connect_seconds
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send `body` to `url` and return the answer, whatever its status.

        Raises `RequestFailed`.
        """
        return await self._request("POST", url, headers, body, LONGEST_BODY)

    async def get(
        self, url: str, headers: Mapping[str, str], *, longest_body: int = LONGEST_BODY
    ) -> Answer:
        """Ask for `url` and return the answer, whatever its status; `longest_body` bytes of it.

        Raises `RequestFailed`.
        """
        return await self._request("GET", url, headers, None, longest_body)

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, longest: int
    ) -> Answer:
        started = time.perf_counter()
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                excerpt = await _read_excerpt(response.content, longest)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _failure(error)
            failure.duration_ms = _milliseconds_since(started)
            raise failure from error
        return Answer(
            status=response.status,
            body=excerpt,
            duration_ms=_milliseconds_since(started),
            retry_after=_retry_after(response),
        )


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    value = response.headers.get("Retry-After")
    return None if value is None else read_retry_after(value, datetime.now(UTC))


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks to wait: a number, or a date (RFC 9110,
    §10.2.3). None where there is none, or it says nothing."""
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


class _AddressDenied(OSError):
    """A look at the address, before anything was sent to it, said no."""


class _GuardedResolver(AbstractResolver):
    """Refuses a name of which any address is denied: which one is dialled would be chance."""

    def __init__(self, policy: Policy, resolver: AbstractResolver) -> None:
        self._allowed = policy.allowed_networks
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        results = await self._resolver.resolve(host, port, family)
        if not all(is_reachable(result["host"], port, self._allowed) for result in results):
            raise _AddressDenied
        return results

    async def close(self) -> None:
        await self._resolver.close()


def _guarded_socket(policy: Policy) -> Any:
    """A maker of sockets that refuses denied addresses, in the shape aiohttp asks for."""

    def make(address_info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if not is_reachable(address[0], address[1], policy.allowed_networks):
            raise _AddressDenied
        made = socket.socket(family=family, type=kind, proto=protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGEST_GULP)
        return made

    return make


async def _read_excerpt(content: aiohttp.StreamReader, longest: int) -> bytes:
    """The beginning of a body. What is left unread ends the connection when it is given back."""
    excerpt = b""
    while len(excerpt) < longest and (chunk := await content.readany()):
        excerpt += chunk
    return excerpt[:longest]


# The first that fits; a `ClientConnectorError` is an `OSError`, too.
_FAILURES: tuple[tuple[type[Exception], type[RequestFailed], str], ...] = (
    # A number that only some clients take for an address, or no URL at all.
    (aiohttp.InvalidURL, Blocked, "destination not allowed"),
    (aiohttp.NonHttpUrlClientError, Blocked, "destination not allowed"),
    (aiohttp.ConnectionTimeoutError, ConnectionFailed, "no connection in time"),
    (TimeoutError, TimedOut, "no answer in time"),
    (aiohttp.ClientConnectorDNSError, ConnectionFailed, "name not found"),
    (aiohttp.ClientConnectorCertificateError, ConnectionFailed, "certificate not trusted"),
    (aiohttp.ClientSSLError, ConnectionFailed, "no encrypted connection"),
    (aiohttp.ClientConnectorError, ConnectionFailed, "no connection"),
    (aiohttp.ClientResponseError, AnswerBroken, "answer is not HTTP"),
    (Exception, AnswerBroken, "connection lost"),
)


def _failure(error: aiohttp.ClientError | OSError | ValueError) -> RequestFailed:
    """The library's errors in our words. Its own name addresses, which are nobody's business."""
    if isinstance(getattr(error, "os_error", error), _AddressDenied):
        return Blocked("destination not allowed")
    return next(kind(text) for cause, kind, text in _FAILURES if isinstance(error, cause))


def _milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
