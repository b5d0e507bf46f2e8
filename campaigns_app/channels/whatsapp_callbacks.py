"""What the WhatsApp Cloud API tells afterwards: states of messages, replies, wishes, templates.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from campaigns_app.channels.asking import instant, objects, part, words
from campaigns_app.channels.provider import (
    Account,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    ProviderEvent,
    Suppress,
)
from campaigns_app.channels.whatsapp_codes import VERDICTS
from campaigns_app.contacts.opt_out import Wish, read_wish

KINDS = {
    "sent": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "read": EventKind.READ,
    "failed": EventKind.FAILED,
}
TEMPLATE_FIELD = "message_template_status_update"
STATUSES = {
    "APPROVED": "APPROVED",
    "REINSTATED": "APPROVED",
    **{
        name: name
        for name in ("PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION")
    },
    **{name: name for name in ("DELETED", "ARCHIVED", "LOCKED")},
}
"""What is told of a template, and the status that it has then; of anything else (that it was
flagged, for example) only the list says what it means."""
WISHES = {"stop": EventKind.OPTED_OUT, "resume": EventKind.OPTED_IN}


def sign(app_secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.digest(app_secret.encode(), body, sha256).hex()


def read_whatsapp_callback(account: Account, request: CallbackRequest) -> list[ProviderEvent]:
    """What a callback tells. Raises `CallbackRefused` where its signature is wrong, `ValueError`
    where it says nothing."""
    secret = account.secrets.get("app_secret", "")
    given = request.headers.get("x-hub-signature-256", "")
    if not secret or not hmac.compare_digest(sign(secret, request.body).encode(), given.encode()):
        raise CallbackRefused("the signature does not match")
    try:
        told = json.loads(request.body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(told, dict) or not isinstance(told.get("entry"), list):
        raise ValueError("no entries")
    return [
        event
        for entry in objects(told["entry"])
        for change in objects(entry.get("changes"))
        for event in _of_change(entry, change, account)
    ]


def _of_change(
    entry: Mapping[str, Any], change: Mapping[str, Any], account: Account
) -> Iterator[ProviderEvent]:
    if change.get("field") != TEMPLATE_FIELD:
        yield from _events(part(change, "value"), account)
    # Templates are those of a business account, of which an application may serve several.
    elif entry.get("id") == account.settings.get("business_account_id"):
        yield from _template_news(entry.get("time"), part(change, "value"))


def _events(value: Mapping[str, Any], account: Account) -> Iterator[ProviderEvent]:
    # One application may serve several numbers, and all their callbacks come to one address.
    number_id = part(value, "metadata").get("phone_number_id")
    if number_id is not None and number_id != account.settings.get("phone_number_id"):
        return
    for status in objects(value.get("statuses")):
        yield from _status(status)
    for message in objects(value.get("messages")):
        yield from _reply(message)
    for wish in objects(value.get("user_preferences")):
        yield from _wish(wish)


def _status(status: Mapping[str, Any]) -> Iterator[ProviderEvent]:
    kind, message_id = KINDS.get(str(status.get("status"))), status.get("id")
    if kind is None or not isinstance(message_id, str):
        return
    at, address = instant(status.get("timestamp")), _address(status.get("recipient_id"))
    errors = objects(status.get("errors")) if kind is EventKind.FAILED else []
    code = str(errors[0].get("code")) if errors else None
    verdict = VERDICTS.get(code or "")
    text = verdict.meaning if verdict else words(errors[0].get("title"), "") if errors else ""
    ours = status.get("biz_opaque_callback_data")
    delivery_id = ours if isinstance(ours, str) and ours else None
    key = f"{message_id}:{kind}"
    yield ProviderEvent(key, kind, at, delivery_id, message_id, address, code, text)
    if verdict is not None and verdict.kind is Suppress and address:
        key = f"{message_id}:opted-out"
        out = EventKind.OPTED_OUT
        yield ProviderEvent(key, out, at, delivery_id, message_id, address, code)


def _reply(message: Mapping[str, Any]) -> Iterator[ProviderEvent]:
    message_id, address = message.get("id"), _address(message.get("from"))
    if not isinstance(message_id, str) or not address:
        return
    button, interactive = part(message, "button"), part(message, "interactive")
    choice = part(interactive, "button_reply") or part(interactive, "list_reply")
    body = part(message, "text").get("body")
    text = str(body or button.get("text") or choice.get("title") or "")
    at = instant(message.get("timestamp"))
    yield ProviderEvent(f"{message_id}:reply", EventKind.REPLIED, at, address=address, text=text)
    # What stands on a button is for the person; what it means is written behind it. But nobody
    # takes back a STOP by what they do not see.
    if read_wish(str(button.get("payload") or choice.get("id") or "")) is Wish.STOP:
        out = EventKind.OPTED_OUT
        yield ProviderEvent(f"{message_id}:{out}", out, at, address=address, text=text)


def _wish(wish: Mapping[str, Any]) -> Iterator[ProviderEvent]:
    kind, address = WISHES.get(str(wish.get("value"))), _address(wish.get("wa_id"))
    if kind is None or not address:
        return
    at, text = wish.get("timestamp"), str(wish.get("detail", ""))
    yield ProviderEvent(f"{address}:{at}:{kind}", kind, instant(at), address=address, text=text)


def _template_news(at: Any, news: Mapping[str, Any]) -> Iterator[ProviderEvent]:
    name, language = news.get("message_template_name"), news.get("message_template_language")
    told = str(news.get("event")).upper()
    if not isinstance(name, str) or not isinstance(language, str):
        return
    # Spelled `en-US` here, and `en_US` in lists.
    language = language.replace("-", "_")
    yield ProviderEvent(
        f"template:{name}:{language}:{told}:{at}",
        EventKind.TEMPLATE_CHANGED,
        instant(at),
        code=STATUSES.get(told),
        text=words(news.get("reason"), ""),
        template_name=name,
        template_language=language,
    )


def _address(digits: Any) -> str | None:
    """A number in E.164 from WhatsApp's spelling, which has no plus sign."""
    return f"+{digits}" if isinstance(digits, str) and digits.isdecimal() else None
