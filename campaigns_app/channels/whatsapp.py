"""Whatsapp: one template message through the WhatsApp Cloud API for each recipient.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from campaigns_app.channels.asking import (
    JSON,
    fetch,
    objects,
    part,
    read_object,
    send_once,
    unreadable,
    words,
)
from campaigns_app.channels.base import SettingField
from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    CallbackRefused,
    CallbackRequest,
    Outcome,
    OutgoingMessage,
    Permanent,
    PhoneChannel,
    ProviderEvent,
    Receipt,
)
from campaigns_app.channels.templates import Template
from campaigns_app.channels.whatsapp_callbacks import read_whatsapp_callback
from campaigns_app.channels.whatsapp_codes import TRANSIENT, VERDICTS
from campaigns_app.channels.whatsapp_components import template_of
from campaigns_app.channels.whatsapp_numbers import spellings_of
from campaigns_app.http_client import Answer, HttpClient

ORIGIN = "https://graph.facebook.com"
VERSION = "v23.0"
TEMPLATES_A_PAGE = 100
MOST_PAGES = 100


class WhatsappChannel(PhoneChannel):
    """The channel of inboxes that send WhatsApp templates."""

    name = "Whatsapp"
    label = "WhatsApp"
    slug = "whatsapp"
    log_prefix = "WhatsApp Campaign"
    webhook_name = "Channel::Whatsapp"
    callback_slug = "whatsapp"
    usual_rate = 80
    sends_templates = True
    verdicts = VERDICTS
    settings = (
        SettingField(
            "phone_number_id", "INBOXES.FORM.WHATSAPP.PHONE_NUMBER_ID.LABEL", required=True
        ),
        SettingField(
            "business_account_id",
            "INBOXES.FORM.WHATSAPP.BUSINESS_ACCOUNT_ID.LABEL",
            required=True,
            help="INBOXES.FORM.WHATSAPP.BUSINESS_ACCOUNT_ID.HELP",
        ),
        SettingField("api_key", "INBOXES.FORM.WHATSAPP.API_KEY.LABEL", required=True, secret=True),
        SettingField(
            "app_secret",
            "INBOXES.FORM.WHATSAPP.APP_SECRET.LABEL",
            required=True,
            secret=True,
            help="INBOXES.FORM.WHATSAPP.APP_SECRET.HELP",
        ),
        SettingField(
            "webhook_verify_token",
            "INBOXES.FORM.WHATSAPP.WEBHOOK_VERIFY_TOKEN.LABEL",
            required=True,
            secret=True,
            help="INBOXES.FORM.WHATSAPP.WEBHOOK_VERIFY_TOKEN.HELP",
        ),
    )

    def spellings(self, address: str) -> Sequence[str]:
        """With or without the digit that WhatsApp leaves out or puts in: see the base class."""
        return spellings_of(address)

    async def send(self, http: HttpClient, account: Account, message: OutgoingMessage) -> Receipt:
        """Send the campaign's template: see the base class."""
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.to,
            "type": "template",
            "template": template_of(message.template or {}),
            # Comes back with each status, so that a message without an answer is still known.
            "biz_opaque_callback_data": message.delivery_id,
        }
        url = _url(account, account.settings["phone_number_id"], "/messages")
        headers = _headers(account) | {"Content-Type": JSON}
        answer = await send_once(http.post(url, json.dumps(body).encode(), headers))
        parsed = read_object(answer)
        taken = objects(parsed.get("messages"))
        if answer.status < 300 and "error" not in parsed and taken:
            message_id = taken[0].get("id")
            if isinstance(message_id, str):
                return Receipt(message_id)
        raise _refusal(answer, parsed, message.attempts)

    async def check(self, http: HttpClient, account: Account) -> str:
        """Ask for the sender's number: see the base class."""
        fields = "?fields=display_phone_number,verified_name,quality_rating"
        parsed = await _ask(
            http, account, _url(account, account.settings["phone_number_id"], fields)
        )
        # These are the inbox's own name and number, not a person's.
        return " · ".join(
            str(parsed[name])
            for name in ("verified_name", "display_phone_number")
            if parsed.get(name)
        )

    async def list_templates(self, http: HttpClient, account: Account) -> list[Template]:
        """All templates of the account, or none: see the base class."""
        path = f"/message_templates?limit={TEMPLATES_A_PAGE}"
        first = _url(account, account.settings["business_account_id"], path)
        found: list[Template] = []
        after = ""
        for _ in range(MOST_PAGES):
            parsed = await _ask(http, account, first + after)
            found += [_template(one) for one in objects(parsed.get("data"))]
            paging = part(parsed, "paging")
            cursor = part(paging, "cursors").get("after")
            # The address of the next page is the provider's to write, and may lead anywhere.
            if not paging.get("next") or not isinstance(cursor, str):
                return found
            after = f"&after={quote(cursor, safe='')}"
        raise Permanent("the list of templates does not end")

    def answer_verification(self, account: Account, request: CallbackRequest) -> str:
        """The challenge, where mode and token are right: see the base class."""
        token = account.secrets.get("webhook_verify_token", "")
        given = request.query.get("hub.verify_token", "")
        is_right = bool(token) and hmac.compare_digest(token.encode(), given.encode())
        if request.query.get("hub.mode") != "subscribe" or not is_right:
            raise CallbackRefused("the verification token does not match")
        return request.query.get("hub.challenge", "")

    def read_callback(self, account: Account, request: CallbackRequest) -> Sequence[ProviderEvent]:
        """Statuses, replies and wishes, after the signature was checked: see the base class."""
        return read_whatsapp_callback(account, request)


async def _ask(http: HttpClient, account: Account, url: str) -> dict[str, Any]:
    answer = await fetch(http, url, _headers(account))
    parsed = read_object(answer)
    if answer.status != 200 or not parsed or "error" in parsed:
        raise _refusal(answer, parsed, 0)
    return parsed


def _template(told: Mapping[str, Any]) -> Template:
    name, language, status, category = (
        str(told.get(key, "")) for key in ("name", "language", "status", "category")
    )
    return Template(name, language, status, category, objects(told.get("components")))


def _url(account: Account, thing: str, path: str) -> str:
    return f"{account.origin(ORIGIN)}/{VERSION}/{quote(thing, safe='')}{path}"


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.secrets.get('api_key', '')}"}


def _refusal(answer: Answer, parsed: Mapping[str, Any], attempts: int) -> Outcome:
    """What an answer other than the one hoped for means."""
    error = part(parsed, "error")
    number = error.get("code")
    if not isinstance(number, int):
        return unreadable(answer)
    code = str(number)
    verdict = VERDICTS.get(code)
    if verdict is None and error.get("is_transient") is True:
        verdict = TRANSIENT
    if verdict is not None:
        return verdict.outcome(code, attempts=attempts, retry_after=answer.retry_after)
    if answer.status >= 500 or answer.status == 429:
        return unreadable(answer)
    details = part(error, "error_data").get("details") or error.get("message")
    return (AccountPause if answer.status in (401, 403) else Permanent)(words(details), code)
