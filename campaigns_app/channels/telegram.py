"""Telegram: one `sendMessage` of the Bot API for each message (https://core.telegram.org/bots/api).

A bot cannot write to people by number: a contact is reached by its custom attribute
`telegram_chat_id`, which Telegram tells when the person writes to the bot first.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import JSON as Json
from sqlalchemy import ColumnElement, Index, bindparam, or_

from campaigns_app.channels.asking import (
    JSON,
    fetch,
    instant,
    part,
    read_object,
    send_once,
    unreadable,
    words,
)
from campaigns_app.channels.base import SettingField
from campaigns_app.channels.provider import (
    Account,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    Outcome,
    OutgoingMessage,
    Permanent,
    ProviderChannel,
    ProviderEvent,
    Receipt,
)
from campaigns_app.channels.verdicts import Verdict, pause, permanent, retry, suppress
from campaigns_app.contacts.models import Contact
from campaigns_app.http_client import Answer, HttpClient

ORIGIN = "https://api.telegram.org"
ATTRIBUTE = "telegram_chat_id"
CHAT_ID: ColumnElement[str] = Contact.custom_attributes[
    # Written out in statements: else no database would know its index again.
    bindparam(None, ATTRIBUTE, type_=Json.JSONStrIndexType(), literal_execute=True)
].as_string()
Index(
    "ix_contacts_telegram_chat_id",
    Contact.account_id,
    CHAT_ID,
    sqlite_where=CHAT_ID.is_not(None),
    postgresql_where=CHAT_ID.is_not(None),
)
"""A person who writes to the bot is found by the chat, too."""

WISHES = {"kicked": EventKind.OPTED_OUT, "member": EventKind.OPTED_IN}

VERDICTS: Mapping[str, Verdict] = {
    "401": pause("the bot's token is wrong"),
    "404": pause("the bot's token is wrong"),
    "429": retry("too many messages at once", 1, slows_down=True),
    "400": permanent("there is no such chat, or it cannot be written to"),
    "403": permanent("the person cannot be written to"),
    "403 blocked": suppress("the person has blocked the bot"),
}
"""What `error_code` means; of those who block the bot, only the description tells."""


class TelegramChannel(ProviderChannel):
    """The channel of inboxes that write as a Telegram bot."""

    name = "Telegram"
    label = "Telegram"
    slug = "telegram"
    log_prefix = "Telegram Campaign"
    webhook_name = "Channel::Telegram"
    callback_slug = "telegram"
    address_kind = "telegram"
    usual_rate = 30
    verdicts = VERDICTS
    settings = (
        SettingField(
            "bot_token", "INBOXES.FORM.TELEGRAM.BOT_TOKEN.LABEL", required=True, secret=True
        ),
        SettingField(
            "secret_token",
            "INBOXES.FORM.TELEGRAM.SECRET_TOKEN.LABEL",
            secret=True,
            help="INBOXES.FORM.TELEGRAM.SECRET_TOKEN.HELP",
        ),
    )

    def unreachable(self) -> Sequence[tuple[str, ColumnElement[bool]]]:
        """Those who have not written to the bot."""
        return (("no_address", or_(self.address().is_(None), self.address() == "")),)

    def address(self) -> ColumnElement[Any]:
        """The chat's id."""
        return CHAT_ID

    def address_of(self, contact: Mapping[str, Any]) -> str:
        """The chat's id."""
        return str((contact["custom_attributes"] or {}).get(ATTRIBUTE) or "")

    async def send(self, http: HttpClient, account: Account, message: OutgoingMessage) -> Receipt:
        """Send the message: see the base class."""
        body = json.dumps({"chat_id": message.to, "text": message.text}).encode()
        url = _url(account, "sendMessage")
        answer = await send_once(http.post(url, body, {"Content-Type": JSON}))
        parsed = read_object(answer)
        number = part(parsed, "result").get("message_id")
        if parsed.get("ok") is True and isinstance(number, int):
            return Receipt(f"{message.to}:{number}")
        raise _refusal(answer, parsed, message.attempts)

    async def check(self, http: HttpClient, account: Account) -> str:
        """Ask who the bot is: see the base class."""
        answer = await fetch(http, _url(account, "getMe"), {})
        parsed = read_object(answer)
        if parsed.get("ok") is not True:
            raise _refusal(answer, parsed, 0)
        return f"@{part(parsed, 'result').get('username', '')}"

    def read_callback(self, account: Account, request: CallbackRequest) -> Sequence[ProviderEvent]:
        """A reply, or that the bot was blocked or let in again: see the base class."""
        secret = account.secrets.get("secret_token", "")
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not secret or not hmac.compare_digest(secret.encode(), given.encode()):
            raise CallbackRefused("the secret token does not match")
        try:
            update = json.loads(request.body)
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        if not isinstance(update, dict) or "update_id" not in update:
            raise ValueError("not an update")
        return _events(update)


def _url(account: Account, method: str) -> str:
    token = quote(account.secrets.get("bot_token", ""), safe=":")
    return f"{account.origin(ORIGIN)}/bot{token}/{method}"


def _refusal(answer: Answer, parsed: Mapping[str, Any], attempts: int) -> Outcome:
    number = parsed.get("error_code")
    if not isinstance(number, int) or number >= 500:
        return unreadable(answer)
    code, description = str(number), str(parsed.get("description", ""))
    blocked = number == 403 and "blocked by the user" in description
    verdict = VERDICTS.get("403 blocked" if blocked else code)
    if verdict is None:
        return Permanent(words(description), code)
    wait = part(parsed, "parameters").get("retry_after")
    wait = float(wait) if isinstance(wait, int) else answer.retry_after
    return verdict.outcome(code, attempts=attempts, retry_after=wait)


def _events(update: Mapping[str, Any]) -> list[ProviderEvent]:
    message, change = part(update, "message"), part(update, "my_chat_member")
    told = message or change
    address = str(part(told, "chat").get("id", ""))
    if not address:
        return []
    kind, text = EventKind.REPLIED, str(message.get("text", ""))
    if change:
        status = str(part(change, "new_chat_member").get("status"))
        if status not in WISHES:
            return []
        kind = WISHES[status]
    at = instant(told.get("date"))
    return [ProviderEvent(str(update["update_id"]), kind, at, address=address, text=text)]
