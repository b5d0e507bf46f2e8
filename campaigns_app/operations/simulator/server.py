"""The simulator's server: takes messages in every format, and answers as their numbers ask."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
from aiohttp import web

from campaigns_app.operations.simulator.bandwidth import BandwidthFormat
from campaigns_app.operations.simulator.formats import (
    Callback,
    Format,
    Malformed,
    Order,
    Refusal,
    State,
)
from campaigns_app.operations.simulator.ledger import Entry, Ledger
from campaigns_app.operations.simulator.manners import SLOW_SECONDS, Manner, manner_of
from campaigns_app.operations.simulator.plain import PlainFormat
from campaigns_app.operations.simulator.rate import Rate
from campaigns_app.operations.simulator.telegram import TelegramFormat
from campaigns_app.operations.simulator.twilio import TwilioFormat
from campaigns_app.operations.simulator.whatsapp import WhatsappFormat

FORMATS: tuple[type[Format], ...] = (
    TwilioFormat,
    BandwidthFormat,
    WhatsappFormat,
    TelegramFormat,
    PlainFormat,
)
CALLBACK_TRIES = 5
CALLBACK_WAIT_SECONDS = 0.2
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"

REFUSALS = {
    Manner.REFUSED: Refusal.ADDRESS,
    Manner.OPTED_OUT: Refusal.OPTED_OUT,
    Manner.TROUBLE: Refusal.TROUBLE,
    Manner.ACCOUNT: Refusal.ACCOUNT,
}


@dataclass(frozen=True, slots=True)
class Options:
    """`rate`: messages a second for each sender, None without limit; `latency`: seconds that every
    answer takes at least."""

    rate: float | None = None
    latency: float = 0


class Simulator:
    """All `formats` over one ledger. `app` is to be served."""

    def __init__(self, ledger: Ledger, options: Options) -> None:
        self._ledger = ledger
        self._options = options
        self._rate = Rate(options.rate)
        self._warned: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.formats = {kind.name: kind(ledger) for kind in FORMATS}
        self.app = web.Application(middlewares=[_refuse_malformed])
        self.app.cleanup_ctx.append(self._callback_session)
        self.app.router.add_get("/ledger", self._show_ledger)
        self.app.router.add_post("/callbacks/{format}", self._set_callback)
        self.app.router.add_post("/templates/{format}", self._change_template)
        for one in self.formats.values():
            self.app.router.add_post(one.send_path, self._taker(one))
            self.app.router.add_routes(one.routes())

    async def _callback_session(self, app: web.Application) -> Any:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _show_ledger(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(entry) for entry in self._ledger])

    async def _set_callback(self, request: web.Request) -> web.Response:
        """Say where an account's callbacks go: `{"url": …}`."""
        one, told = await self._instructed(request, "url")
        one.callback_url = told["url"]
        return web.Response(status=204)

    async def _change_template(self, request: web.Request) -> web.Response:
        """Give a template another status, and answer when that was told: `{"name": …, "status":
        …}`, and `language` if it is not English."""
        one, told = await self._instructed(request, "name", "status")
        callback = one.change_template(told)
        if callback is not None:
            await self._call_back(callback)
        return web.Response(status=204)

    async def _instructed(self, request: web.Request, *names: str) -> tuple[Format, dict[str, str]]:
        """What a test or a person wants of a format: an object with these texts at least. Raises
        `Malformed`."""
        one = self.formats.get(request.match_info["format"])
        try:
            told = await request.json()
        except ValueError:
            told = None
        if one is None:
            raise Malformed(web.Response(status=404))
        if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in names):
            raise Malformed(web.Response(status=422))
        return one, told

    def _taker(self, one: Format) -> Any:
        async def take(request: web.Request) -> web.StreamResponse:
            order = await one.read(request)
            if self._options.latency:
                await asyncio.sleep(self._options.latency)
            return await self._answer(one, order, request)

        return take

    async def _answer(self, one: Format, order: Order, request: web.Request) -> web.StreamResponse:
        manner = _manner_in(one, order)
        if not self._rate.allows(order.sender) or self._is_too_fast(manner, order):
            return one.refuse(Refusal.TOO_FAST, order)
        if manner in REFUSALS:
            return one.refuse(REFUSALS[manner], order)
        if manner is Manner.HTML:
            return web.Response(status=502, text=HTML, content_type="text/html")
        if manner is Manner.HANGS:
            return await _never()
        provider_id = self._take(one, order)
        self._in_background(self._tell(one, order, provider_id, manner))
        if manner is Manner.DROPS and request.transport is not None:
            request.transport.abort()
        if manner is Manner.TAKES_AND_HANGS:
            return await _never()
        if manner is Manner.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        return one.accept(order, provider_id)

    def _is_too_fast(self, manner: Manner, order: Order) -> bool:
        """Whether this is the first try of a message that is to be tried twice."""
        key = f"{order.to} {order.delivery_id}"
        if manner is not Manner.TOO_FAST or key in self._warned:
            return False
        self._warned.add(key)
        return True

    def _take(self, one: Format, order: Order) -> str:
        provider_id = one.make_id()
        self._ledger.append(
            Entry(
                time.time(),
                one.name,
                order.delivery_id,
                provider_id,
                order.sender,
                order.to,
                order.text,
            )
        )
        return provider_id

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, one: Format, order: Order, provider_id: str, manner: Manner) -> None:
        for callback in _story(one, order, provider_id, manner):
            await self._call_back(callback)

    async def _call_back(self, callback: Callback) -> None:
        """Make the request until it is answered with 2xx, a few times."""
        for attempt in range(CALLBACK_TRIES):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.post(
                    callback.url, data=callback.body, headers=callback.headers
                ) as answer:
                    if answer.status < 300:
                        return
            await asyncio.sleep(CALLBACK_WAIT_SECONDS * 2**attempt)


def _manner_in(one: Format, order: Order) -> Manner:
    manner = manner_of(order.to)
    if manner is Manner.OPTED_OUT and not one.refuses_opted_out:
        return Manner.OPTED_OUT_LATER
    return manner


@web.middleware
async def _refuse_malformed(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answer as the provider does to a request that it would not understand or believe."""
    try:
        answer: web.StreamResponse = await handler(request)
    except Malformed as malformed:
        return malformed.response
    return answer


def _story(one: Format, order: Order, provider_id: str, manner: Manner) -> Sequence[Callback]:
    """The callbacks of a message that was taken, in the order in which they are made."""
    ends = {Manner.FAILS_LATER: State.FAILED, Manner.OPTED_OUT_LATER: State.OPTED_OUT}
    states = [State.SENT, ends.get(manner, State.DELIVERED)]
    if states[-1] is State.DELIVERED and one.last_state is State.READ:
        states.append(State.READ)
    told = [one.receipt(order, provider_id, state) for state in states]
    if manner is Manner.REORDERED:
        told.reverse()
    if manner is Manner.DUPLICATES:
        told = [callback for callback in told for _ in range(2)]
    if manner is Manner.STOPS:
        told.append(one.reply(order, "STOP"))
    if manner is Manner.REPLIES:
        told.append(one.reply(order, "Thank you"))
    return [callback for callback in told if callback is not None]


async def _never() -> web.StreamResponse:
    """Wait until the other side, or the server, gives up."""
    await asyncio.Event().wait()
    raise AssertionError("nobody ends the waiting")
