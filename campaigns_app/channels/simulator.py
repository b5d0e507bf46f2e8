"""Simulator: sends to the simulator (`campaigns simulator`) in the simplest of formats.

For trying the app, and for its tests: all of sending and receipts, over HTTP, and nobody is
messaged. The simulator's address is the inbox's `base_url`, one that `PROVIDER_BASE_URLS` allows.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from campaigns_app.channels.asking import (
    JSON,
    fetch,
    instant,
    read_object,
    send_once,
    unreadable,
)
from campaigns_app.channels.base import SettingField
from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    Outcome,
    OutgoingMessage,
    PhoneChannel,
    ProviderEvent,
    Receipt,
    Suppress,
)
from campaigns_app.channels.verdicts import Verdict, pause, permanent, retry, suppress, unknown
from campaigns_app.http_client import Answer, HttpClient

VERDICTS: Mapping[str, Verdict] = {
    "unauthorized": pause("the token is wrong"),
    "account": pause("something is wrong with the account"),
    "malformed": permanent("the request was not understood"),
    "refused": permanent("the number cannot be written to"),
    "opted-out": suppress("the person has opted out"),
    "too-fast": retry("too many messages at once", 1, slows_down=True),
    "trouble": unknown("trouble at the provider"),
}


class SimulatorChannel(PhoneChannel):
    """The channel of inboxes that only seem to send."""

    name = "Simulator"
    label = "Simulator"
    slug = "simulator"
    log_prefix = "Simulator Campaign"
    webhook_name = "Channel::Simulator"
    callback_slug = "simulator"
    usual_rate = 100
    verdicts = VERDICTS
    settings = (
        SettingField("token", "INBOXES.FORM.SIMULATOR.TOKEN.LABEL", required=True, secret=True),
    )

    async def send(self, http: HttpClient, account: Account, message: OutgoingMessage) -> Receipt:
        """Post the message: see the base class."""
        body = {
            "id": message.delivery_id,
            "to": message.to,
            "text": message.text,
            "callback": account.callback_url,
        }
        headers = _headers(account) | {"Content-Type": JSON}
        request = http.post(_url(account, "/messages"), json.dumps(body).encode(), headers)
        answer = await send_once(request)
        parsed = read_object(answer)
        if answer.status == 202 and isinstance(parsed.get("id"), str):
            return Receipt(parsed["id"])
        raise _refusal(answer, parsed, message.attempts)

    async def check(self, http: HttpClient, account: Account) -> str:
        """Ask whether the token is right: see the base class."""
        answer = await fetch(http, _url(account, "/account"), _headers(account))
        parsed = read_object(answer)
        if answer.status != 200 or "name" not in parsed:
            raise _refusal(answer, parsed, 0)
        return str(parsed["name"])

    async def look_up(
        self, http: HttpClient, account: Account, message: OutgoingMessage, since: datetime
    ) -> Receipt | None:
        """Ask for the message by our id for it: see the base class."""
        url = _url(account, f"/messages/{quote(message.delivery_id, safe='')}")
        answer = await fetch(http, url, _headers(account))
        parsed = read_object(answer)
        if answer.status == 404 and parsed.get("code") == "no-such-message":
            return None
        if answer.status != 200 or not isinstance(parsed.get("id"), str):
            raise _refusal(answer, parsed, 0)
        return Receipt(parsed["id"])

    def read_callback(self, account: Account, request: CallbackRequest) -> Sequence[ProviderEvent]:
        """One event, after its signature was checked: see the base class."""
        token, given = account.secrets.get("token", ""), request.headers.get("x-signature", "")
        if not token or not hmac.compare_digest(sign(token, request.body).encode(), given.encode()):
            raise CallbackRefused("the signature does not match")
        told = json.loads(request.body)
        if not isinstance(told, dict) or not isinstance(told.get("message"), str):
            raise ValueError("no message")
        return _events(told)


def sign(token: str, body: bytes) -> str:
    """The value of `X-Signature`."""
    return hmac.digest(token.encode(), body, sha256).hex()


def _url(account: Account, path: str) -> str:
    """Raises `AccountPause` where the simulator's address is not one that inboxes may name."""
    if account.base_url is None:
        raise AccountPause("the simulator's address is not among PROVIDER_BASE_URLS")
    return account.origin("") + path


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.secrets.get('token', '')}"}


def _refusal(answer: Answer, parsed: Mapping[str, Any], attempts: int) -> Outcome:
    code = str(parsed.get("code"))
    verdict = VERDICTS.get(code)
    if verdict is None:
        return unreadable(answer)
    return verdict.outcome(code, attempts=attempts, retry_after=answer.retry_after)


def _events(told: Mapping[str, Any]) -> list[ProviderEvent]:
    kind, message_id = EventKind(str(told.get("event"))), told["message"]
    at, address = instant(told.get("at")), str(told.get("from", ""))
    if kind is EventKind.REPLIED:
        key, text = f"{message_id}:reply", str(told.get("text", ""))
        return [ProviderEvent(key, kind, at, address=address, text=text)]
    code = str(told.get("code") or "") or None
    verdict = VERDICTS.get(code or "")
    text = verdict.meaning if verdict else ""
    key, ours = f"{message_id}:{kind}", str(told.get("id") or "") or None
    event = ProviderEvent(key, kind, at, ours, message_id, address, code, text)
    if verdict is not None and verdict.kind is Suppress:
        key = f"{message_id}:opted-out"
        return [event, ProviderEvent(key, EventKind.OPTED_OUT, at, address=address, code=code)]
    return [event]
