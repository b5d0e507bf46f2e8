"""Where webhooks arrive in the demonstration and in the crash test: a consumer that believes no
request unverified."""

import asyncio
import hmac
import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import NamedTuple, Self

from aiohttp import web

from campaigns_app.database.types import utcnow
from campaigns_app.webhooks import signing
from campaigns_app.webhooks.events import to_json

PATH = "/webhooks"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What has arrived: different events whose signatures were right, and requests that were
    refused."""

    verified: int
    refused: int


class Webhook(NamedTuple):
    """What makes two events that were told the same: the id, and the digest of the text."""

    uid: str
    digest: str

    @classmethod
    def of(cls, uid: str, body: bytes) -> Self:
        """The event with this id and text."""
        return cls(uid, sha256(body).hexdigest())


class WebhookReceiver:
    """A web server on a free port of 127.0.0.1, in a thread, for as long as it is a context.

    Answers 204 to a request whose two signatures, that of Standard Webhooks and Chatwoot's, were
    made with `secret`, and 401 to any other.
    """

    def __init__(self) -> None:
        self.secret = ""
        self._verified: Counter[Webhook] = Counter()
        self._refused = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="receiver", daemon=True)
        app = web.Application()
        app.router.add_post(PATH, self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    @property
    def url(self) -> str:
        """The address for a webhook endpoint."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}{PATH}"

    @property
    def arrivals(self) -> Arrivals:
        """What has arrived until now."""
        return Arrivals(len({webhook.uid for webhook in self.history}), self._refused)

    @property
    def history(self) -> Mapping[Webhook, int]:
        """How often each verified event has come until now, alone or in a batch."""
        return self._verified.copy()

    def __enter__(self) -> Self:
        # Listening begins here rather than in the thread, so that its errors are raised here.
        self._loop.run_until_complete(self._listen())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _listen(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            self._verify(request.headers, body)
        except signing.SignatureRefused as refusal:
            self._refused += 1
            return web.Response(status=401, text=str(refusal))
        self._verified.update(_webhooks(request.headers["webhook-id"], body))
        return web.Response(status=204)

    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Check both signatures. Raises `SignatureRefused`."""
        signing.verify(self.secret, headers, body, now=utcnow())
        timestamp = headers.get("X-Chatwoot-Timestamp", "")
        if not timestamp.isdecimal():
            raise signing.SignatureRefused("X-Chatwoot-Timestamp is missing or malformed")
        expected = signing.sign_like_chatwoot(self.secret, int(timestamp), body)
        given = headers.get("X-Chatwoot-Signature", "")
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise signing.SignatureRefused("X-Chatwoot-Signature does not match")


def _webhooks(uid: str, body: bytes) -> list[Webhook]:
    """What a request told: one event, or each of a batch."""
    told = json.loads(body)
    if told.get("type") != "batch":
        return [Webhook.of(uid, body)]
    return [Webhook.of(one["id"], to_json(one["event"]).encode()) for one in told["events"]]
