"""Twilio's Programmable Messaging, as much of it as is needed to send and to look up.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from campaigns_app.channels.asking import basic
from campaigns_app.channels.segments import segments_of
from campaigns_app.channels.twilio_callbacks import sign
from campaigns_app.operations.simulator.credentials import (
    ACCOUNT_SID,
    API_KEY_SID,
    MESSAGING_SERVICE_SID,
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
from campaigns_app.operations.simulator.ledger import Entry

BASE = "/2010-04-01/Accounts/{sid}"
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
KNOWN = {"To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"}
LONGEST_BODY = 1600

BAD_SENDERS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
BAD_RECIPIENTS = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
"""Twilio's own numbers for tests (https://www.twilio.com/docs/iam/test-credentials)."""

REFUSALS = {
    Refusal.ADDRESS: (400, 21211),
    Refusal.OPTED_OUT: (400, 21610),
    Refusal.TOO_FAST: (429, 20429),
    Refusal.TROUBLE: (500, 20500),
    Refusal.ACCOUNT: (400, 21606),
}
STATES = {
    State.SENT: ("sent", ""),
    State.DELIVERED: ("delivered", ""),
    State.FAILED: ("undelivered", "30005"),
    State.OPTED_OUT: ("undelivered", "21610"),
}


class TwilioFormat(Format):
    """Twilio, with `ACCOUNT_SID` and its token, or the API key."""

    name = "twilio"
    send_path = BASE + "/Messages.json"

    def routes(self) -> Sequence[web.RouteDef]:
        """The account, and the list of messages."""
        return (web.get(BASE + ".json", self._account), web.get(self.send_path, self._list))

    async def read(self, request: web.Request) -> Order:
        """See the base class."""
        self._check_credentials(request)
        if request.content_type != "application/x-www-form-urlencoded":
            raise Malformed(_error(400, 20001, "Content-Type is not supported"))
        try:
            form = {name: str(value) for name, value in (await request.post()).items()}
        except ValueError as error:
            raise Malformed(_error(400, 20001, "The body is not a form")) from error
        code = _fault(form)
        if code:
            status = 429 if code == 21611 else 400
            raise Malformed(_error(status, code, f"The request is refused: {form.get('To')}"))
        callback = form.get("StatusCallback")
        sender = form.get("MessagingServiceSid") or form["From"]
        query = urlsplit(callback or "").query
        delivery_id = query.partition("d=")[2].partition("&")[0]
        return Order(sender, form["To"], form["Body"], delivery_id, callback)

    def accept(self, order: Order, provider_id: str) -> web.Response:
        """See the base class."""
        return problem(201, _message(order.sender, order.to, order.text, provider_id))

    def refuse(self, refusal: Refusal, order: Order) -> web.Response:
        """See the base class."""
        status, code = REFUSALS[refusal]
        headers = {"Retry_After": "1"} if status == 429 else {}
        return _error(status, code, f"The number {order.to}: {refusal.value}", **headers)

    def make_id(self) -> str:
        """See the base class."""
        return f"SM{secrets.token_hex(16)}"

    def receipt(self, order: Order, provider_id: str, state: State) -> Callback | None:
        """See the base class."""
        if order.callback is None:
            return None
        status, code = STATES[state]
        told = {
            "AccountSid": ACCOUNT_SID,
            "ApiVersion": "2010-04-01",
            "MessageSid": provider_id,
            "MessageStatus": status,
            "SmsSid": provider_id,
            "SmsStatus": status,
            "To": order.to,
            "From": order.sender,
            **({"ErrorCode": code} if code else {}),
        }
        return _callback(order.callback, told)

    def reply(self, order: Order, text: str) -> Callback | None:
        """See the base class. Goes to where the receipts go, without what belongs to a message."""
        if order.callback is None:
            return None
        sid = self.make_id()
        told = {
            "AccountSid": ACCOUNT_SID,
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "From": order.to,
            "To": order.sender,
            "Body": text,
            **({"OptOutType": "STOP"} if text == "STOP" else {}),
        }
        return _callback(order.callback.partition("?")[0], told)

    def _check_credentials(self, request: web.Request) -> None:
        if request.match_info["sid"] != ACCOUNT_SID:
            raise Malformed(_error(404, 20404, "The requested resource was not found"))
        allowed = {basic(ACCOUNT_SID, SECRET), basic(API_KEY_SID, SECRET)}
        if request.headers.get("Authorization") not in allowed:
            raise Malformed(_error(401, 20003, "Authenticate"))

    async def _account(self, request: web.Request) -> web.Response:
        self._check_credentials(request)
        account = {"sid": ACCOUNT_SID, "friendly_name": "Simulator", "status": "active"}
        return problem(200, account)

    async def _list(self, request: web.Request) -> web.Response:
        self._check_credentials(request)
        size = int(request.query.get("PageSize", "50"))
        to = request.query.get("To")
        found = self.ledger.latest_to(to, self.name) if to else []
        return problem(200, {"messages": [_listed(entry) for entry in found[:size]]})


def _fault(form: dict[str, str]) -> int | None:
    """The code of what is wrong with a form, None if nothing is."""
    to, sender, service = (form.get(name, "") for name in ("To", "From", "MessagingServiceSid"))
    body, validity = form.get("Body", ""), form.get("ValidityPeriod", "36000")
    if bool(sender) == bool(service) or (service and service != MESSAGING_SERVICE_SID):
        return 21603
    faults = (
        (not set(form) <= KNOWN, 20001),
        (not to, 21604),
        (not E164.fullmatch(to), 21211),
        (to in BAD_RECIPIENTS, BAD_RECIPIENTS.get(to)),
        (sender in BAD_SENDERS, BAD_SENDERS.get(sender)),
        (bool(sender) and not E164.fullmatch(sender), 21212),
        (not body, 21602),
        (len(body) > LONGEST_BODY, 21617),
        (not validity.isdecimal() or not 1 <= int(validity) <= 36000, 20001),
        (not _is_url(form.get("StatusCallback", "http://x")), 21609),
    )
    return next((code for is_so, code in faults if is_so), None)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _error(status: int, code: int, message: str, **headers: str) -> web.Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    told = {"code": code, "message": message, "more_info": more, "status": status}
    return problem(status, told, **headers)


def _message(sender: str, to: str, text: str, sid: str) -> dict[str, object]:
    service = sender if sender.startswith("MG") else None
    return {
        "sid": sid,
        "account_sid": ACCOUNT_SID,
        "status": "accepted" if service else "queued",
        "direction": "outbound-api",
        "from": None if service else sender,
        "messaging_service_sid": service,
        "to": to,
        "body": text,
        "num_segments": "0" if service else str(segments_of(text).count),
        "error_code": None,
        "error_message": None,
    }


def _listed(entry: Entry) -> dict[str, object]:
    created = format_datetime(datetime.fromtimestamp(entry.at, UTC))
    return _message(entry.sender, entry.to, entry.text, entry.provider_id) | {
        "date_created": created
    }


def _callback(url: str, told: dict[str, str]) -> Callback:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": sign(SECRET, url, list(told.items())),
    }
    return Callback(url, urlencode(told).encode(), headers)
