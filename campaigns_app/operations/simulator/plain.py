"""The simulator's own format, that of the `Simulator` channel: the simplest there is."""

import json
import secrets
import time
from collections.abc import Sequence

from aiohttp import web

from campaigns_app.channels.simulator import sign
from campaigns_app.operations.simulator.credentials import SECRET
from campaigns_app.operations.simulator.formats import (
    Callback,
    Format,
    Malformed,
    Order,
    Refusal,
    State,
    problem,
)

FIELDS = {"id", "to", "text", "callback"}
REFUSALS = {
    Refusal.ADDRESS: (422, "refused"),
    Refusal.OPTED_OUT: (422, "opted-out"),
    Refusal.TOO_FAST: (429, "too-fast"),
    Refusal.TROUBLE: (500, "trouble"),
    Refusal.ACCOUNT: (403, "account"),
}
STATES = {
    State.SENT: ("sent", ""),
    State.DELIVERED: ("delivered", ""),
    State.READ: ("read", ""),
    State.FAILED: ("failed", "refused"),
    State.OPTED_OUT: ("failed", "opted-out"),
}


class PlainFormat(Format):
    """A message is an object with `id`, `to`, `text` and `callback`."""

    name = "simulator"
    send_path = "/messages"
    last_state = State.READ

    def routes(self) -> Sequence[web.RouteDef]:
        """What became of a message, by the sender's id for it; whether the token is right."""
        return (
            web.get("/messages/{id}", self._find),
            web.get("/account", self._account),
        )

    async def read(self, request: web.Request) -> Order:
        """See the base class."""
        _check_credentials(request)
        try:
            told = json.loads(await request.read())
        except ValueError as error:
            raise Malformed(problem(400, {"code": "malformed"})) from error
        if not isinstance(told, dict) or set(told) != FIELDS:
            raise Malformed(problem(400, {"code": "malformed"}))
        if not all(isinstance(value, str) and value for value in told.values()):
            raise Malformed(problem(400, {"code": "malformed"}))
        return Order("simulator", told["to"], told["text"], told["id"], told["callback"])

    def accept(self, order: Order, provider_id: str) -> web.Response:
        """See the base class."""
        return problem(202, {"id": provider_id})

    def refuse(self, refusal: Refusal, order: Order) -> web.Response:
        """See the base class."""
        status, code = REFUSALS[refusal]
        headers = {"Retry_After": "1"} if status == 429 else {}
        return problem(status, {"code": code}, **headers)

    def make_id(self) -> str:
        """See the base class."""
        return f"sim-{secrets.token_hex(8)}"

    def receipt(self, order: Order, provider_id: str, state: State) -> Callback | None:
        """See the base class."""
        kind, code = STATES[state]
        told = {"event": kind, "id": order.delivery_id, "message": provider_id}
        return _callback(order, {**told, "from": order.to, "code": code, "text": ""})

    def reply(self, order: Order, text: str) -> Callback | None:
        """See the base class."""
        told = {"event": "replied", "id": "", "message": self.make_id()}
        return _callback(order, {**told, "from": order.to, "code": "", "text": text})

    async def _find(self, request: web.Request) -> web.Response:
        _check_credentials(request)
        wanted = request.match_info["id"]
        found = [one for one in self.ledger if one.delivery_id == wanted]
        ours = [one for one in found if one.format == self.name]
        if not ours:
            return problem(404, {"code": "no-such-message"})
        return problem(200, {"id": ours[0].provider_id})

    async def _account(self, request: web.Request) -> web.Response:
        _check_credentials(request)
        return problem(200, {"name": "Simulator"})


def _check_credentials(request: web.Request) -> None:
    if request.headers.get("Authorization") != f"Bearer {SECRET}":
        raise Malformed(problem(401, {"code": "unauthorized"}))


def _callback(order: Order, told: dict[str, str]) -> Callback | None:
    if order.callback is None:
        return None
    body = json.dumps({**told, "at": int(time.time())}).encode()
    headers = {"Content-Type": "application/json", "X-Signature": sign(SECRET, body)}
    return Callback(order.callback, body, headers)
