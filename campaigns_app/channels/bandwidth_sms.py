"""Sms: one request to Bandwidth's Messaging API v2 for each message.

https://dev.bandwidth.com/apis/messaging
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from campaigns_app.channels.asking import (
    JSON,
    basic,
    fetch,
    instant,
    objects,
    part,
    read_object,
    send_once,
    unreadable,
    words,
)
from campaigns_app.channels.bandwidth_codes import ANSWERS, VERDICTS
from campaigns_app.channels.base import SettingField
from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    Outcome,
    OutgoingMessage,
    Permanent,
    PhoneChannel,
    ProviderEvent,
    Receipt,
    Retry,
    Suppress,
    Unknown,
)
from campaigns_app.channels.segments import Segments, segments_of
from campaigns_app.channels.senders import is_sender
from campaigns_app.http_client import Answer, HttpClient

ORIGIN = "https://messaging.bandwidth.com"
TRY_AGAIN_SECONDS = 5
CLOCKS_APART = timedelta(minutes=2)
OUR_FIELDS = ("from", "applicationId", "tag")
"""Fields of a request that are the same for everybody."""

KINDS = {
    "message-sent": EventKind.SENT,
    "message-delivered": EventKind.DELIVERED,
    "message-read": EventKind.READ,
    "message-failed": EventKind.FAILED,
}

STATUSES = {
    "DELIVERED": EventKind.DELIVERED,
    "FAILED": EventKind.FAILED,
    "UNDELIVERED": EventKind.FAILED,
}
"""What a message's status in the list tells; others tell that it was taken."""


class BandwidthSmsChannel(PhoneChannel):
    """The channel of inboxes that send SMS through Bandwidth."""

    name = "Sms"
    label = "SMS (Bandwidth)"
    slug = "sms"
    log_prefix = "SMS Campaign"
    webhook_name = "Channel::Sms"
    callback_slug = "bandwidth"
    usual_rate = 1
    rate_unit = "segments"
    longest_text = 2048
    verdicts = VERDICTS
    settings = (
        SettingField("account_id", "INBOXES.FORM.BANDWIDTH.ACCOUNT_ID.LABEL", required=True),
        SettingField(
            "application_id", "INBOXES.FORM.BANDWIDTH.APPLICATION_ID.LABEL", required=True
        ),
        SettingField("phone_number", "INBOXES.FORM.PHONE_NUMBER.LABEL", required=True),
        SettingField("api_key", "INBOXES.FORM.BANDWIDTH.API_KEY.LABEL", required=True),
        SettingField(
            "api_secret", "INBOXES.FORM.BANDWIDTH.API_SECRET.LABEL", required=True, secret=True
        ),
        SettingField(
            "callback_user",
            "INBOXES.FORM.BANDWIDTH.CALLBACK_USER.LABEL",
            required=True,
            help="INBOXES.FORM.BANDWIDTH.CALLBACK_USER.HELP",
        ),
        SettingField(
            "callback_password",
            "INBOXES.FORM.BANDWIDTH.CALLBACK_PASSWORD.LABEL",
            required=True,
            secret=True,
        ),
    )

    def faults(self, values: Mapping[str, str]) -> Sequence[tuple[str, str]]:
        """A sender that can be one: see the base class."""
        if "phone_number" not in values or is_sender(values["phone_number"]):
            return ()
        return [("phone_number", "INBOXES.ERRORS.NO_SENDER")]

    def segments(self, text: str) -> Segments:
        """Those of the text, by which Bandwidth counts."""
        return segments_of(text)

    async def send(self, http: HttpClient, account: Account, message: OutgoingMessage) -> Receipt:
        """Create the message: see the base class. A list of recipients would be a group chat."""
        body = {
            "applicationId": account.settings["application_id"],
            "to": [message.to],
            "from": account.settings["phone_number"],
            "text": message.text,
            "tag": message.delivery_id,
        }
        headers = _headers(account) | {"Content-Type": JSON}
        answer = await send_once(http.post(_url(account), json.dumps(body).encode(), headers))
        parsed = read_object(answer)
        if answer.status == 202 and isinstance(parsed.get("id"), str):
            return Receipt(parsed["id"])
        raise _refusal(answer, parsed, message.attempts)

    async def check(self, http: HttpClient, account: Account) -> str:
        """Ask for the latest message of the sender: see the base class."""
        sender = account.settings["phone_number"]
        await _list(http, account, {"sourceTn": sender, "limit": "1"})
        return sender

    async def look_up(
        self, http: HttpClient, account: Account, message: OutgoingMessage, since: datetime
    ) -> Receipt | None:
        """Ask for messages between the two numbers since then: see the base class. Bandwidth keeps
        neither text nor tag, so of two it cannot be told which."""
        query = {
            "sourceTn": account.settings["phone_number"],
            "destinationTn": message.to,
            "fromDateTime": (since - CLOCKS_APART).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        found = [
            one
            for one in await _list(http, account, query)
            if one.get("messageDirection") == "OUTBOUND"
            and one.get("destinationTn") == message.to
            and isinstance(one.get("messageId"), str)
        ]
        if len(found) > 1:
            raise Unknown("which of several messages it was cannot be told")
        return _receipt(found[0]) if found else None

    def read_callback(self, account: Account, request: CallbackRequest) -> Sequence[ProviderEvent]:
        """The events in a callback, after its credentials were checked: see the base class."""
        settings, secrets = account.settings, account.secrets
        right = basic(settings.get("callback_user", ""), secrets.get("callback_password", ""))
        given = request.headers.get("authorization", "")
        if not secrets.get("callback_password") or not hmac.compare_digest(
            right.encode(), given.encode()
        ):
            raise CallbackRefused("the credentials do not match", 401)
        try:
            told = json.loads(request.body)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        if not isinstance(told, list):
            raise ValueError("not a list of events")
        return [event for one in objects(told) for event in _events(one)]


async def _list(
    http: HttpClient, account: Account, query: Mapping[str, str]
) -> list[dict[str, Any]]:
    answer = await fetch(http, f"{_url(account)}?{urlencode(query)}", _headers(account))
    parsed = read_object(answer)
    if answer.status != 200 or not isinstance(parsed.get("messages"), list):
        raise _refusal(answer, parsed, 0)
    return objects(parsed["messages"])


def _url(account: Account) -> str:
    user = quote(account.settings["account_id"], safe="")
    return f"{account.origin(ORIGIN)}/api/v2/users/{user}/messages"


def _headers(account: Account) -> dict[str, str]:
    secret = account.secrets.get("api_secret", "")
    return {"Authorization": basic(account.settings["api_key"], secret)}


def _refusal(answer: Answer, parsed: Mapping[str, Any], attempts: int) -> Outcome:
    """What an answer other than the one hoped for means.

    "Any 4xx or 5xx HTTP response code will not be billed nor will the message be sent" (Errors):
    any error that came at all says that nothing was sent.
    """
    kind = parsed.get("type") if isinstance(parsed.get("type"), str) else None
    verdict = ANSWERS.get(kind or "")
    if verdict is not None:
        return verdict.outcome(kind, attempts=attempts, retry_after=answer.retry_after)
    if kind == "request-validation":
        return _invalid(parsed)
    code = kind or str(answer.status)
    if answer.status >= 500:
        wait = TRY_AGAIN_SECONDS * 2**attempts
        return Retry("Bandwidth has trouble", code, after=answer.retry_after or wait)
    if answer.status < 400 or answer.status == 429:
        return unreadable(answer)
    if answer.status in (401, 403, 404, 405, 406, 415):
        return AccountPause(words(parsed.get("description"), "not the account's"), code)
    return Permanent(words(parsed.get("description")), code)


def _invalid(parsed: Mapping[str, Any]) -> Outcome:
    """What is wrong with a request: something of this message, or of all of them."""
    faults = objects(parsed.get("fieldErrors"))
    fields = {str(fault.get("fieldName")) for fault in faults}
    text = words("; ".join(str(fault.get("description", "")) for fault in faults), "")
    text = text or words(parsed.get("description"))
    kind = AccountPause if fields.intersection(OUR_FIELDS) else Permanent
    return kind(text, "request-validation")


def _receipt(found: Mapping[str, Any]) -> Receipt:
    """The receipt for a message in Bandwidth's list, and what its status tells."""
    message_id, status = found["messageId"], str(found.get("messageStatus"))
    if status not in STATUSES:
        return Receipt(message_id)
    code, text = _error(found)
    event = ProviderEvent(
        f"{message_id}:{status}",
        _kind(STATUSES[status], code),
        provider_message_id=message_id,
        code=code,
        text=text,
    )
    return Receipt(message_id, event)


def _error(told: Mapping[str, Any]) -> tuple[str | None, str]:
    """The code of what went wrong with a message, if anything did, and what it means."""
    code = str(told["errorCode"]) if told.get("errorCode") else None
    verdict = VERDICTS.get(code or "")
    text = verdict.meaning if verdict else words(told.get("description"), "") if code else ""
    return code, text


def _kind(told: EventKind, code: str | None) -> EventKind:
    """What an event is, by its code where that says that nobody knows."""
    verdict = VERDICTS.get(code or "")
    return told if verdict is None or verdict.kind is not Unknown else EventKind.UNKNOWN


def _events(told: Mapping[str, Any]) -> list[ProviderEvent]:
    """What one of the events in a callback says; nothing where it is of another kind, or about no
    message."""
    message, kind = part(told, "message"), str(told.get("type"))
    message_id, at = message.get("id"), instant(told.get("time"))
    if not isinstance(message_id, str):
        return []
    if kind == "message-received":
        address, text = str(message.get("from", "")), str(message.get("text", ""))
        return [
            ProviderEvent(f"{message_id}:reply", EventKind.REPLIED, at, address=address, text=text)
        ]
    if kind not in KINDS:
        return []
    address = str(told.get("to", ""))
    code, text = _error(told)
    verdict = VERDICTS.get(code or "")
    tag = message.get("tag")
    key = f"{message_id}:{kind}"
    delivery_id = tag if isinstance(tag, str) and tag else None
    what = _kind(KINDS[kind], code)
    event = ProviderEvent(key, what, at, delivery_id, message_id, address, code, text)
    if verdict is not None and verdict.kind is Suppress and address:
        key = f"{message_id}:opted-out"
        return [event, ProviderEvent(key, EventKind.OPTED_OUT, at, address=address, code=code)]
    return [event]
