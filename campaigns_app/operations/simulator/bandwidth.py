"""Bandwidth's Messaging API v2 (https://dev.bandwidth.com/apis/messaging)."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from campaigns_app.channels.asking import basic
from campaigns_app.channels.segments import segments_of
from campaigns_app.operations.simulator.credentials import (
    BANDWIDTH_ACCOUNT_ID,
    BANDWIDTH_API_KEY,
    BANDWIDTH_APPLICATION_ID,
    CALLBACK_USER,
    SECRET,
)
from campaigns_app.operations.simulator.formats import (
    Callback,
    Format,
    Malformed,
    Order,
    Refusal,
    State,
    problem,
)

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
REQUIRED = {"applicationId", "to", "from"}
KNOWN = REQUIRED | {"text", "tag", "priority", "expiration", "media"}
LONGEST_TEXT, LONGEST_TAG = 2048, 1024

REFUSALS = {
    Refusal.ADDRESS: (400, "request-validation"),
    Refusal.OPTED_OUT: (400, "request-validation"),
    Refusal.TOO_FAST: (429, "max-message-queue-size-exceeded"),
    Refusal.TROUBLE: (500, "internal-server-error"),
    Refusal.ACCOUNT: (403, "forbidden"),
}
STATES = {
    State.SENT: ("message-sending", None),
    State.DELIVERED: ("message-delivered", None),
    State.FAILED: ("message-failed", 4720),
    State.OPTED_OUT: ("message-failed", 4775),
}


class BandwidthFormat(Format):
    """Bandwidth, whose callbacks go where the application says."""

    name = "bandwidth"
    refuses_opted_out = False
    send_path = "/api/v2/users/{account}/messages"

    def routes(self) -> Sequence[web.RouteDef]:
        """The list of messages."""
        return (web.get(self.send_path, self._list),)

    async def read(self, request: web.Request) -> Order:
        """See the base class."""
        _check_credentials(request)
        if request.content_type != "application/json":
            raise Malformed(_error(415, "unsupported-content-type", "not JSON"))
        try:
            told = json.loads(await request.read())
        except ValueError as error:
            raise Malformed(_invalid("body", "is not JSON")) from error
        for field, is_wrong in _faults(told):
            if is_wrong:
                raise Malformed(_invalid(field, f"'{field}' is not valid"))
        tag = told.get("tag", "")
        return Order(told["from"], told["to"][0], told.get("text", ""), tag, self.callback_url)

    def accept(self, order: Order, provider_id: str) -> web.Response:
        """See the base class."""
        return problem(202, _message(order, provider_id))

    def refuse(self, refusal: Refusal, order: Order) -> web.Response:
        """See the base class."""
        status, kind = REFUSALS[refusal]
        if kind == "request-validation":
            return _invalid("to", f"{order.to}: {refusal.value}")
        headers = {"Retry_After": "1"} if status == 429 else {}
        return _error(status, kind, refusal.value, **headers)

    def make_id(self) -> str:
        """See the base class."""
        return secrets.token_hex(15)

    def receipt(self, order: Order, provider_id: str, state: State) -> Callback | None:
        """See the base class."""
        kind, code = STATES[state]
        failed = {"errorCode": code} if code else {}
        told = {"type": kind, "to": order.to, "description": state.value, **failed}
        return _callback(order, told, _message(order, provider_id) | {"text": ""})

    def reply(self, order: Order, text: str) -> Callback | None:
        """See the base class."""
        message = _message(order, self.make_id()) | {
            "direction": "in",
            "from": order.to,
            "to": [order.sender],
            "text": text,
            "tag": "",
        }
        told = {"type": "message-received", "to": order.sender, "description": "received"}
        return _callback(order, told, message)

    async def _list(self, request: web.Request) -> web.Response:
        _check_credentials(request)
        to, sender = request.query.get("destinationTn"), request.query.get("sourceTn")
        since = datetime.fromisoformat(request.query.get("fromDateTime", "2000-01-01T00:00:00Z"))
        found = [
            {
                "messageId": entry.provider_id,
                "accountId": BANDWIDTH_ACCOUNT_ID,
                "sourceTn": entry.sender,
                "destinationTn": entry.to,
                "messageStatus": "ACCEPTED",
                "messageDirection": "OUTBOUND",
                "receiveTime": _time(entry.at),
            }
            for entry in self.ledger.latest_to(to or "", self.name)
            if entry.sender == sender and entry.at >= since.timestamp()
        ]
        return problem(200, {"totalCount": len(found), "pageInfo": {}, "messages": found})


def _check_credentials(request: web.Request) -> None:
    if request.headers.get("Authorization") != basic(BANDWIDTH_API_KEY, SECRET):
        raise Malformed(_error(401, "unauthorized", "Authentication Failed"))
    if request.match_info["account"] != BANDWIDTH_ACCOUNT_ID:
        raise Malformed(_error(403, "forbidden", "Access Denied"))


def _faults(told: Any) -> Sequence[tuple[str, bool]]:
    """Each field with whether it is wrong; in order, later ones may need the earlier ones."""
    if not isinstance(told, dict) or not set(told) <= KNOWN or not set(told) >= REQUIRED:
        return (("body", True),)
    to, text, tag = told["to"], told.get("text", ""), told.get("tag", "")
    return (
        ("applicationId", told["applicationId"] != BANDWIDTH_APPLICATION_ID),
        ("to", not isinstance(to, list) or len(to) != 1 or not _is_number(to[0])),
        ("from", not _is_number(told["from"])),
        ("text", not isinstance(text, str) or not text or len(text) > LONGEST_TEXT),
        ("tag", not isinstance(tag, str) or len(tag) > LONGEST_TAG),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, str) and E164.fullmatch(value) is not None


def _error(status: int, kind: str, description: str, **headers: str) -> web.Response:
    return problem(status, {"type": kind, "description": description}, **headers)


def _invalid(field: str, description: str) -> web.Response:
    told = {
        "type": "request-validation",
        "description": "Your request could not be accepted",
        "fieldErrors": [{"fieldName": field, "description": description}],
    }
    return problem(400, told)


def _time(at: float | None = None) -> str:
    instant = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(order: Order, provider_id: str) -> dict[str, object]:
    return {
        "id": provider_id,
        "owner": order.sender,
        "applicationId": BANDWIDTH_APPLICATION_ID,
        "time": _time(),
        "segmentCount": segments_of(order.text).count,
        "direction": "out",
        "to": [order.to],
        "from": order.sender,
        "text": order.text,
        "tag": order.delivery_id,
    }


def _callback(
    order: Order, told: Mapping[str, object], message: Mapping[str, object]
) -> Callback | None:
    if order.callback is None:
        return None
    body = json.dumps([{"time": _time(), **told, "message": message}]).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "BandwidthAPI/v2",
        "Authorization": basic(CALLBACK_USER, SECRET),
    }
    return Callback(order.callback, body, headers)
