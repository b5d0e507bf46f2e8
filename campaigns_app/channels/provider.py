"""What a channel is that asks somebody else's machine to send: a *provider channel*.

It knows one provider's requests and answers, and nothing else: no database, no campaign. The
engine marks a recipient `sending` before it calls `send()`, and writes down what came of it. So
`send()` either returns a receipt or raises one of the outcomes below; whatever else it raises is
taken for `Unknown`, because the message may have gone out.

Outcome
├── Permanent      this message will not go to this person; others may
├── Suppress       this address must not be written to any more
├── Retry          nothing was sent; it may be tried again after a time
├── AccountPause   nothing was sent, and nobody else can be reached either: somebody must act
└── Unknown        it may have been sent, or not
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from campaigns_app.channels.base import Channel
from campaigns_app.http_client import HttpClient


class Outcome(Exception):
    """A message that was not accepted. `code` is the provider's own, `text` is for people; neither
    holds a secret or a number of the person's."""

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class Permanent(Outcome):
    """This message will not go to this person, however often one tries."""


class Suppress(Outcome):
    """The person, or the provider for them, said no: the address is not written to any more."""


class Retry(Outcome):
    """Nothing was sent. `after` is the seconds to wait at least; `slows_down` says that it was the
    inbox that was too fast, not this one message that was unlucky."""

    def __init__(
        self, text: str, code: str | None = None, *, after: float, slows_down: bool = False
    ) -> None:
        super().__init__(text, code)
        self.after = after
        self.slows_down = slows_down


class AccountPause(Outcome):
    """Nothing was sent, and nothing will be until somebody acts: credentials, balance, a template
    that was withdrawn, an account that was locked."""


class Unknown(Outcome):
    """It may have been sent, or not, and nobody can say now."""


@dataclass(frozen=True, slots=True)
class Account:
    """An inbox's account with its provider: the channel's settings and secrets by name, where its
    callbacks go, and where the provider is, if elsewhere than usual."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    callback_url: str
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message on its way. `delivery_id` is ours and comes back with callbacks; `to` is a number
    in E.164; `template` is the campaign's `template_params` with this person's values in them, for
    channels that send templates."""

    delivery_id: str
    to: str
    text: str
    template: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a provider took a message: its id for it."""

    provider_message_id: str


class EventKind(StrEnum):
    """What a provider tells of a message afterwards, or of a person."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    REPLIED = "replied"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One thing that a callback tells. `key` is the same whenever the provider tells it again.

    A message is known by our `delivery_id` or by the provider's id; a reply by the `address` it
    came from. `code` and `text` say why it failed, or what the reply was.
    """

    key: str
    kind: EventKind
    at: datetime | None = None
    delivery_id: str | None = None
    provider_message_id: str | None = None
    address: str | None = None
    code: str | None = None
    text: str = ""


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
    `callback_slug` stands in the address of its callbacks.
    """

    usual_rate: ClassVar[float]
    rate_unit: ClassVar[str] = "messages"
    callback_slug: ClassVar[str]
    sends_templates: ClassVar[bool] = False

    def units(self, text: str) -> int:
        """How much of the rate a message with this text takes."""
        return 1

    def faults(self, values: Mapping[str, str]) -> Sequence[tuple[str, str]]:
        """What is wrong with settings and secrets that depend on each other: the field's name, and
        the key of the text to show. `values` holds those that are not blank."""
        return ()

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
