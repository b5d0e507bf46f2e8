"""Telegram's Bot API (https://core.telegram.org/bots/api)."""

import itertools
import json
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from campaigns_app.operations.simulator.credentials import BOT_TOKEN, SECRET
from campaigns_app.operations.simulator.formats import (
    Callback,
    Format,
    Malformed,
    Order,
    Refusal,
    State,
    problem,
)

LONGEST_TEXT = 4096
BASE = "/bot{token}"

REFUSALS = {
    Refusal.ADDRESS: (400, "Bad Request: chat not found"),
    Refusal.OPTED_OUT: (403, "Forbidden: bot was blocked by the user"),
    Refusal.TOO_FAST: (429, "Too Many Requests: retry after 1"),
    Refusal.TROUBLE: (500, "Internal Server Error"),
    Refusal.ACCOUNT: (401, "Unauthorized"),
}


class TelegramFormat(Format):
    """One bot. It tells of replies, and not of what became of messages."""

    name = "telegram"
    send_path = BASE + "/sendMessage"
    _numbers = itertools.count(1)

    def routes(self) -> Sequence[web.RouteDef]:
        """Who the bot is."""
        return (web.get(BASE + "/getMe", self._get_me),)

    async def read(self, request: web.Request) -> Order:
        """See the base class. There is no place for a delivery id."""
        _check_token(request)
        try:
            told = json.loads(await request.read())
        except ValueError as error:
            raise Malformed(_error(400, "Bad Request: can't parse JSON")) from error
        if not isinstance(told, dict) or set(told) != {"chat_id", "text"}:
            raise Malformed(_error(400, "Bad Request: chat_id and text are wanted"))
        chat, text = str(told["chat_id"]), told["text"]
        if not chat.removeprefix("-").isdecimal():
            raise Malformed(_error(400, "Bad Request: chat not found"))
        if not isinstance(text, str) or not text.strip():
            raise Malformed(_error(400, "Bad Request: message text is empty"))
        if len(text) > LONGEST_TEXT:
            raise Malformed(_error(400, "Bad Request: message is too long"))
        return Order(BOT_TOKEN.partition(":")[0], chat, text, "", self.callback_url)

    def accept(self, order: Order, provider_id: str) -> web.Response:
        """See the base class."""
        message = {
            "message_id": int(provider_id.rpartition(":")[2]),
            "date": int(time.time()),
            "chat": {"id": int(order.to), "type": "private"},
            "text": order.text,
        }
        return problem(200, {"ok": True, "result": message})

    def refuse(self, refusal: Refusal, order: Order) -> web.Response:
        """See the base class."""
        return _error(*REFUSALS[refusal])

    def make_id(self) -> str:
        """See the base class."""
        return str(next(self._numbers))

    def receipt(self, order: Order, provider_id: str, state: State) -> Callback | None:
        """See the base class."""
        return None

    def reply(self, order: Order, text: str) -> Callback | None:
        """See the base class."""
        if order.callback is None:
            return None
        chat = {"id": int(order.to), "type": "private"}
        number = next(self._numbers)
        message = {"message_id": number, "date": int(time.time()), "chat": chat, "text": text}
        body = json.dumps({"update_id": number, "message": message}).encode()
        headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
        return Callback(order.callback, body, headers)

    async def _get_me(self, request: web.Request) -> web.Response:
        _check_token(request)
        bot = {"id": int(BOT_TOKEN.partition(":")[0]), "is_bot": True, "username": "simulator_bot"}
        return problem(200, {"ok": True, "result": bot})


def _check_token(request: web.Request) -> None:
    if request.match_info["token"] != BOT_TOKEN:
        raise Malformed(_error(401, "Unauthorized"))


def _error(status: int, description: str) -> web.Response:
    told: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if status == 429:
        told["parameters"] = {"retry_after": 1}
    return problem(status, told)
