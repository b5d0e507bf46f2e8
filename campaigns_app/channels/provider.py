"""What a channel is that asks somebody else's machine to send: a *provider channel*.

It knows one provider's requests and answers, and nothing else: no database, no campaign. The
engine marks a recipient `sending` before it calls `send()`, and writes down what came of it. So
`send()` either returns a receipt or raises one of the outcomes in `verdicts`; whatever else it
raises is taken for `Unknown`, because the message may have gone out.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, literal

from campaigns_app.channels.base import Channel, phone_rules
from campaigns_app.channels.segments import Segments
from campaigns_app.channels.templates import Template
from campaigns_app.channels.verdicts import (
    LONGEST_CODE,
    LONGEST_ID,
    LONGEST_TEXT,
    AccountPause,
    CampaignPause,
    Outcome,
    Permanent,
    Retry,
    Suppress,
    Unknown,
    Verdict,
)
from campaigns_app.contacts.models import Contact
from campaigns_app.contacts.suppressing import suppressible
from campaigns_app.database.text import made_storable
from campaigns_app.http_client import HttpClient

__all__ = [
    "Account",
    "AccountPause",
    "CallbackRefused",
    "CallbackRequest",
    "CampaignPause",
    "EventKind",
    "Outcome",
    "OutgoingMessage",
    "Permanent",
    "PhoneChannel",
    "ProviderChannel",
    "ProviderEvent",
    "Receipt",
    "Retry",
    "Suppress",
    "Unknown",
    "Verdict",
]


@dataclass(frozen=True, slots=True)
class Account:
    """An inbox's account with its provider: the channel's settings and secrets by name, where its
    callbacks go, and where the provider is, if elsewhere than usual."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    callback_url: str
    base_url: str | None = None

    def origin(self, usual: str) -> str:
        """Where the provider is: `usual`, unless the inbox names another address."""
        return (self.base_url or usual).rstrip("/")


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message on its way. `delivery_id` is ours and comes back with callbacks; `to` is the
    channel's address of the contact, a number in E.164 for most; `template` is the campaign's
    `template_params` with this person's values in them, for channels that send templates;
    `attempts` were made before."""

    delivery_id: str
    to: str
    text: str
    template: Mapping[str, Any] | None = None
    attempts: int = 0


class EventKind(StrEnum):
    """What a provider tells of a message afterwards, of a person, or of a template."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was taken, and the provider cannot say what became of it."""
    REPLIED = "replied"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    TEMPLATE_CHANGED = "template_changed"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One thing that a callback tells. `key` is the same whenever the provider tells it again.

    A message is known by our `delivery_id` or by the provider's id; a reply by the `address` it
    came from. `code` and `text` say why it failed, or what the reply was. Of the template with
    that name and language `code` is the status that it has now, none where only the provider's
    list says.
    """

    key: str
    kind: EventKind
    at: datetime | None = None
    delivery_id: str | None = None
    provider_message_id: str | None = None
    address: str | None = None
    code: str | None = None
    text: str = ""
    template_name: str | None = None
    template_language: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a provider took a message: its id for it; and of one that was looked up what it
    tells of it by the way, as a callback would. All is cut to what can be stored: it may be
    anything that came in an answer."""

    provider_message_id: str
    event: ProviderEvent | None = None

    def __post_init__(self) -> None:
        message_id, event = made_storable(self.provider_message_id, LONGEST_ID), self.event
        object.__setattr__(self, "provider_message_id", message_id)
        if event is not None:
            code = made_storable(event.code, LONGEST_CODE) if event.code else None
            text = made_storable(event.text, LONGEST_TEXT)
            object.__setattr__(self, "event", replace(event, code=code, text=text))


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A request that came to an inbox's callback address: `url` as the provider was given it, with
    its query; header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class CallbackRefused(Exception):
    """The request does not prove that it comes from the provider. `status` is 401 where
    credentials were asked for, else 403."""

    def __init__(self, text: str, status: int = 403) -> None:
        super().__init__(text)
        self.status = status


class ProviderChannel(Channel):
    """A channel that reaches a contact through a provider, one request for each message.

    `usual_rate` is what the provider lets a new account send in a second, in `rate_unit`.
    `callback_slug` stands in the address of its callbacks. `verdicts` says what the provider's
    codes mean, those of answers and those of callbacks. `address_kind` is what its addresses are
    called in the list of suppressions (`telegram:4711`); blank where they are phone numbers.
    `longest_text` is the most characters that the provider takes, where it is known.
    """

    usual_rate: ClassVar[float]
    rate_unit: ClassVar[str] = "messages"
    callback_slug: ClassVar[str]
    sends_templates: ClassVar[bool] = False
    verdicts: ClassVar[Mapping[str, Verdict]] = {}
    address_kind: ClassVar[str] = ""
    longest_text: ClassVar[int | None] = None

    def address_of(self, contact: Mapping[str, Any]) -> str:
        """Where a message to the contact goes, from its columns by name; what `address()` says in
        SQL. Empty where there is none."""
        return contact["phone_number"] or ""

    def spellings(self, address: str) -> Sequence[str]:
        """All that the provider, or a contact, may have for that one address; itself first."""
        return (address,)

    def suppressible(self, address: str) -> str:
        """What stands in the list of suppressions for one of the channel's addresses; what
        `suppressible_address()` says in SQL."""
        return suppressible(self.address_kind, address)

    def suppressible_address(self) -> ColumnElement[str] | None:
        """The same of a contact; none where that is a number, which is looked for anyway."""
        address = self.address()
        if not self.address_kind or address is None:
            return None
        return literal(suppressible(self.address_kind, "")).concat(address)

    def faults(self, values: Mapping[str, str]) -> Sequence[tuple[str, str]]:
        """What is wrong with settings and secrets that depend on each other: the field's name, and
        the key of the text to show. `values` holds those that are not blank."""
        return ()

    def segments(self, text: str) -> Segments | None:
        """How the text goes out as SMS; None where the provider counts messages."""
        return None

    def units(self, text: str) -> int:
        """How much of the rate a message with this text takes."""
        segments = self.segments(text)
        return segments.count if segments is not None else 1

    @abstractmethod
    async def send(self, http: HttpClient, account: Account, message: OutgoingMessage) -> Receipt:
        """Ask the provider to send `message`, once. Raises an `Outcome`."""

    @abstractmethod
    async def check(self, http: HttpClient, account: Account) -> str:
        """Ask the provider, without sending anything, whether the account works; returns a line
        for people. Raises an `Outcome` that says what is wrong."""

    async def look_up(
        self, http: HttpClient, account: Account, message: OutgoingMessage, since: datetime
    ) -> Receipt | None:
        """Whether the provider has taken a message that is unknown: its receipt, or None where it
        has not. Raises `Unknown` where the provider cannot say."""
        raise Unknown("the provider cannot be asked")

    async def list_templates(self, http: HttpClient, account: Account) -> Sequence[Template]:
        """All templates of the account, for channels that send templates. Raises an `Outcome`
        where not all of them can be had."""
        return ()

    def answer_verification(self, account: Account, request: CallbackRequest) -> str:
        """The answer to the request with which a provider makes sure that the address is ours.
        Raises `CallbackRefused`; most providers do not ask."""
        raise CallbackRefused("nothing is verified here")

    @abstractmethod
    def read_callback(self, account: Account, request: CallbackRequest) -> Sequence[ProviderEvent]:
        """What a callback tells, after its signature or credentials were checked.

        Raises `CallbackRefused` when they are wrong, and `ValueError` when the provider's words
        cannot be understood.
        """


class PhoneChannel(ProviderChannel):
    """A provider channel that reaches a contact by telephone number."""

    def unreachable(self) -> Sequence[tuple[str, ColumnElement[bool]]]:
        """Those without a number."""
        return phone_rules()

    def address(self) -> ColumnElement[Any]:
        """The number."""
        return Contact.phone_number.expression
