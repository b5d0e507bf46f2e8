"""What Twilio tells afterwards: the state of a message, and replies.

https://www.twilio.com/docs/usage/security says how a request is signed.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha1
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from campaigns_app.channels.asking import words
from campaigns_app.channels.provider import (
    Account,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    ProviderEvent,
    Suppress,
)
from campaigns_app.channels.twilio_codes import VERDICTS

KINDS = {
    "sent": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "read": EventKind.READ,
    "failed": EventKind.FAILED,
    "undelivered": EventKind.FAILED,
}
"""What is told of a message by its status; of others nothing is."""

WISHES = {"STOP": EventKind.OPTED_OUT, "START": EventKind.OPTED_IN}
"""What a reply wishes, where Twilio's Advanced Opt-Out has read it."""


def read_twilio_callback(account: Account, request: CallbackRequest) -> list[ProviderEvent]:
    """What a callback tells. Raises `CallbackRefused` where its signature is wrong, `ValueError`
    where it says nothing."""
    parameters = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    _check_signature(account, request, parameters)
    told = dict(parameters)
    sid = told.get("MessageSid") or told.get("SmsSid")
    if not sid:
        raise ValueError("no MessageSid")
    if told.get("SmsStatus") == "received" or "MessageStatus" not in told:
        return _reply(sid, told)
    return status_events(sid, told, request.query.get("d"))


def status_events(
    sid: str, told: Mapping[str, str], delivery_id: str | None
) -> list[ProviderEvent]:
    """What a message's status means, and the code beside it: the parameters of a callback."""
    kind = KINDS.get(told["MessageStatus"])
    if kind is None:
        return []
    code = told.get("ErrorCode") or None
    verdict = VERDICTS.get(code or "")
    otherwise = f"error {code}" if code else ""
    text = verdict.meaning if verdict else words(told.get("ErrorMessage"), otherwise)
    key = f"{sid}:{told['MessageStatus']}"
    address = told.get("To")
    event = ProviderEvent(key, kind, None, delivery_id, sid, address, code, text)
    if verdict is not None and verdict.kind is Suppress and address:
        out = ProviderEvent(f"{sid}:opted-out", EventKind.OPTED_OUT, address=address, code=code)
        return [event, out]
    return [event]


def sign(auth_token: str, url: str, parameters: Sequence[tuple[str, str]]) -> str:
    """The value of `X-Twilio-Signature` for a form
    (https://www.twilio.com/docs/usage/security)."""
    # A name that comes twice with one value counts once, as in Twilio's own library.
    text = url + "".join(name + value for name, value in sorted(set(parameters)))
    return base64.b64encode(hmac.digest(auth_token.encode(), text.encode(), sha1)).decode()


def _check_signature(
    account: Account, request: CallbackRequest, parameters: Sequence[tuple[str, str]]
) -> None:
    token = account.secrets.get("auth_token")
    given = request.headers.get("x-twilio-signature", "")
    if not token or not given:
        raise CallbackRefused("not signed" if token else "no auth token to verify it with")
    right = [sign(token, url, parameters) for url in _spellings(request.url)]
    if not any(hmac.compare_digest(one.encode(), given.encode()) for one in right):
        raise CallbackRefused("the signature does not match")


def _spellings(url: str) -> list[str]:
    """The address as it is, and with its usual port left out or written: Twilio signs either."""
    parts = urlsplit(url)
    port = {"https": 443, "http": 80}.get(parts.scheme)
    host = parts.hostname or ""
    if parts.port is None:
        other = f"{host}:{port}"
    elif parts.port == port:
        other = host
    else:
        return [url]
    return [url, urlunsplit(parts._replace(netloc=other))]


def _reply(sid: str, told: Mapping[str, str]) -> list[ProviderEvent]:
    address, text = told.get("From"), told.get("Body", "")
    events = [ProviderEvent(f"{sid}:reply", EventKind.REPLIED, address=address, text=text)]
    wish = WISHES.get(told.get("OptOutType", ""))
    if wish is not None:
        events.append(ProviderEvent(f"{sid}:{wish}", wish, address=address, text=text))
    return events
