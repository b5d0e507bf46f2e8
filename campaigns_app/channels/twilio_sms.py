"""Twilio SMS: one request to the Programmable Messaging API for each message.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from campaigns_app.channels.asking import (
    basic,
    fetch,
    objects,
    read_object,
    send_once,
    unreadable,
    words,
)
from campaigns_app.channels.base import SettingField
from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    CallbackRequest,
    Outcome,
    OutgoingMessage,
    Permanent,
    PhoneChannel,
    ProviderEvent,
    Receipt,
    Unknown,
)
from campaigns_app.channels.segments import Segments, segments_of
from campaigns_app.channels.senders import is_sender
from campaigns_app.channels.twilio_callbacks import read_twilio_callback, status_events
from campaigns_app.channels.twilio_codes import ANSWERS, VERDICTS
from campaigns_app.http_client import Answer, HttpClient

ORIGIN = "https://api.twilio.com"
VALID_SECONDS = 3600
"""After this time in Twilio's queue a message is dropped: a campaign's text grows stale."""
CLOCKS_APART = timedelta(minutes=2)
RECENT = 100
"""How many of the messages to a number are looked through."""


class TwilioSmsChannel(PhoneChannel):
    """The channel of inboxes that send SMS through Twilio."""

    name = "Twilio SMS"
    label = "Twilio SMS"
    slug = "twilio-sms"
    log_prefix = "Twilio Campaign"
    webhook_name = "Channel::TwilioSms"
    callback_slug = "twilio"
    usual_rate = 1
    rate_unit = "segments"
    longest_text = 1600
    verdicts = VERDICTS
    settings = (
        SettingField("account_sid", "INBOXES.FORM.TWILIO.ACCOUNT_SID.LABEL", required=True),
        SettingField(
            "auth_token",
            "INBOXES.FORM.TWILIO.AUTH_TOKEN.LABEL",
            secret=True,
            help="INBOXES.FORM.TWILIO.AUTH_TOKEN.HELP",
        ),
        SettingField(
            "api_key_sid",
            "INBOXES.FORM.TWILIO.API_KEY_SID.LABEL",
            help="INBOXES.FORM.TWILIO.API_KEY_SID.HELP",
        ),
        SettingField("api_key_secret", "INBOXES.FORM.TWILIO.API_KEY_SECRET.LABEL", secret=True),
        SettingField(
            "phone_number",
            "INBOXES.FORM.PHONE_NUMBER.LABEL",
            help="INBOXES.FORM.TWILIO.PHONE_NUMBER.HELP",
        ),
        SettingField(
            "messaging_service_sid",
            "INBOXES.FORM.TWILIO.MESSAGING_SERVICE_SID.LABEL",
            help="INBOXES.FORM.TWILIO.MESSAGING_SERVICE_SID.HELP",
        ),
    )

    def faults(self, values: Mapping[str, str]) -> Sequence[tuple[str, str]]:
        """One possible sender, and one complete way to prove who we are: see the base class."""
        found = []
        if ("phone_number" in values) == ("messaging_service_sid" in values):
            found.append(("phone_number", "INBOXES.ERRORS.TWILIO_ONE_SENDER"))
        elif "phone_number" in values and not is_sender(values["phone_number"]):
            found.append(("phone_number", "INBOXES.ERRORS.NO_SENDER"))
        if ("api_key_sid" in values) != ("api_key_secret" in values):
            found.append(("api_key_secret", "INBOXES.ERRORS.TWILIO_API_KEY_HALF"))
        elif "auth_token" not in values and "api_key_sid" not in values:
            found.append(("auth_token", "INBOXES.ERRORS.TWILIO_NO_CREDENTIALS"))
        return found

    def segments(self, text: str) -> Segments:
        """Those of the text, by which carriers count."""
        return segments_of(text)

    async def send(self, http: HttpClient, account: Account, message: OutgoingMessage) -> Receipt:
        """Create the message: see the base class."""
        body = _form(account, message).encode()
        headers = _headers(account) | {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await send_once(http.post(_url(account, "/Messages.json"), body, headers))
        parsed = read_object(answer)
        if answer.status == 201 and isinstance(parsed.get("sid"), str):
            return Receipt(parsed["sid"])
        raise _refusal(answer, parsed, message.attempts)

    async def check(self, http: HttpClient, account: Account) -> str:
        """Ask for the account; an API key may not, and asks for a message: see the base class."""
        by_key = "api_key_sid" in account.settings
        path = "/Messages.json?PageSize=1" if by_key else ".json"
        answer = await fetch(http, _url(account, path), _headers(account))
        parsed = read_object(answer)
        if answer.status != 200 or not parsed:
            raise _refusal(answer, parsed, 0)
        if not by_key and parsed.get("status") != "active":
            raise AccountPause(f"the account is {words(parsed.get('status'), 'not active')}")
        return words(parsed.get("friendly_name"), account.settings["account_sid"])

    async def look_up(
        self, http: HttpClient, account: Account, message: OutgoingMessage, since: datetime
    ) -> Receipt | None:
        """Look through the latest messages to the number: see the base class.

        Not by `DateSent`, which a message that is still queued does not have.
        """
        query = urlencode({"To": message.to, "PageSize": RECENT})
        answer = await fetch(http, _url(account, f"/Messages.json?{query}"), _headers(account))
        parsed = read_object(answer)
        if answer.status != 200 or not isinstance(parsed.get("messages"), list):
            raise _refusal(answer, parsed, 0)
        found = [
            one for one in objects(parsed["messages"]) if _may_be(one, account, message, since)
        ]
        exact = [one for one in found if one.get("body") == message.text]
        if len(exact) == 1:
            return _receipt(exact[0])
        # Bodies may be withheld (`ContentRetention`), and one text may have been sent twice.
        if exact or any(not one.get("body") for one in found):
            raise Unknown("which of several messages it was cannot be told")
        return None

    def read_callback(self, account: Account, request: CallbackRequest) -> Sequence[ProviderEvent]:
        """A status or a reply, after the signature was checked: see the base class."""
        return read_twilio_callback(account, request)


def _form(account: Account, message: OutgoingMessage) -> str:
    # Not with `urlencode`, which quotes the names again for each message.
    form = f"To={quote_plus(message.to)}&Body={quote_plus(message.text)}"
    # Callbacks are signed with the auth token and nothing else: without it none can be believed.
    if account.secrets.get("auth_token"):
        callback = f"{account.callback_url}?d={quote(message.delivery_id)}"
        form = f"{form}&StatusCallback={quote_plus(callback)}"
    service = account.settings.get("messaging_service_sid")
    number = account.settings.get("phone_number")
    return f"{form}&{_common_form(service, number)}"


# What all messages of an inbox have in common is written once: it takes as long as the rest.
@lru_cache
def _common_form(service: str | None, number: str | None) -> str:
    sender = {"MessagingServiceSid": service} if service else {"From": number or ""}
    return urlencode({**sender, "ValidityPeriod": VALID_SECONDS})


def _url(account: Account, path: str) -> str:
    sid = quote(account.settings["account_sid"], safe="")
    return f"{account.origin(ORIGIN)}/2010-04-01/Accounts/{sid}{path}"


def _headers(account: Account) -> dict[str, str]:
    settings, secrets = account.settings, account.secrets
    if settings.get("api_key_sid"):
        return {"Authorization": basic(settings["api_key_sid"], secrets.get("api_key_secret", ""))}
    return {"Authorization": basic(settings["account_sid"], secrets.get("auth_token", ""))}


def _refusal(answer: Answer, parsed: Mapping[str, Any], attempts: int) -> Outcome:
    """What an answer other than the one hoped for means."""
    number = parsed.get("code")
    code = str(number) if isinstance(number, int) else None
    verdict = ANSWERS.get(code or "")
    if verdict is not None:
        return verdict.outcome(code, attempts=attempts, retry_after=answer.retry_after)
    if code is None or answer.status >= 500 or answer.status == 429:
        return unreadable(answer)
    kind = AccountPause if answer.status in (401, 403) else Permanent
    return kind(words(parsed.get("message")), code)


def _receipt(found: Mapping[str, Any]) -> Receipt:
    """The receipt for a message in Twilio's list, and what its status tells."""
    sid, code = str(found["sid"]), found.get("error_code")
    told = {
        "MessageStatus": str(found.get("status")),
        "ErrorCode": str(code) if code else "",
        "ErrorMessage": str(found.get("error_message") or ""),
    }
    events = status_events(sid, told, None)
    if not events:
        return Receipt(sid)
    return Receipt(sid, replace(events[0], at=_instant(found.get("date_updated"))))


def _instant(value: object) -> datetime | None:
    """The instant in a date of RFC 2822; None where there is none."""
    try:
        at = parsedate_to_datetime(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _may_be(
    found: Mapping[str, Any], account: Account, message: OutgoingMessage, since: datetime
) -> bool:
    """Whether a message in Twilio's list is one that was sent like this one, since then."""
    settings = account.settings
    if not isinstance(found.get("sid"), str) or found.get("to") != message.to:
        return False
    if not str(found.get("direction", "")).startswith("outbound"):
        return False
    service = settings.get("messaging_service_sid")
    if service and found.get("messaging_service_sid") != service:
        return False
    if not service and found.get("from") != settings.get("phone_number"):
        return False
    created = _instant(found.get("date_created"))
    return created is None or created >= since - CLOCKS_APART
