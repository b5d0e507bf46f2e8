"""The HTTP client alone: requests that were prepared beforehand, and nothing else."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from campaigns_app.http_client import HttpClient, Policy
from campaigns_app.operations.bench.measuring import Timing, timed


class Request(NamedTuple):
    """A request as it is to be sent."""

    url: str
    body: bytes
    headers: Mapping[str, str]


def send_prepared(
    requests: Iterable[Request], policy: Policy, headers: Mapping[str, str] | None = None
) -> Timing:
    """Send all `requests`, each with `headers` too, as many at once as `policy` has
    connections. Counts them."""
    waiting = deque(requests)
    return timed(len(waiting), lambda: asyncio.run(_send(waiting, policy, headers or {})))


async def _send(requests: deque[Request], policy: Policy, headers: Mapping[str, str]) -> None:
    async with HttpClient(policy, headers) as http:
        await asyncio.gather(*(_send_some(http, requests) for _ in range(policy.connections)))


async def _send_some(http: HttpClient, requests: deque[Request]) -> None:
    while requests:
        one = requests.popleft()
        await http.post(one.url, one.body, one.headers)
