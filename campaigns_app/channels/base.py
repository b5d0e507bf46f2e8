"""What a channel is.

There are two kinds, because there are two physics. A *conversation channel* writes rows of our own
database, many at a time, inside the caller's transaction: it either all happens or none of it. A
*provider channel* asks somebody else's machine to send one message; what may have happened there
when an answer is missing cannot be known, and the engine's ledger says so.

Channels know nothing of campaigns, HTTP requests or sessions of people.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from campaigns_app.contacts.models import Contact
from campaigns_app.webhooks.outbox import Subscribers


@dataclass(frozen=True, slots=True)
class Addressee:
    """One contact with the text written for it. `contact` holds the values of the contact's
    columns by name."""

    contact_id: int
    text: str
    contact: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a delivery comes from: the campaign, its inbox, its sender; all as plain values."""

    account: Mapping[str, Any]
    inbox: Mapping[str, Any]
    sender: Mapping[str, Any] | None
    campaign_id: int
    subscribers: Subscribers


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting of a channel; forms, API checks and documentation are made from it.

    `kind` is `text`, `url`, `number` or `select`, whose `extra["choices"]` are pairs of a value
    and what it is called. A `secret` is kept encrypted and shown to nobody. `label` and `help` are
    keys of the texts of pages, or texts that stand for themselves.
    """

    name: str
    label: str
    kind: str = "text"
    required: bool = False
    secret: bool = False
    help: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


class Channel(ABC):
    """What every channel says of itself.

    `name` is stored as the inbox's `inbox_type` and never changes; `label` is for people; `slug`
    stands in addresses of pages; `log_prefix` opens log lines; `webhook_name` is for payloads.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    slug: ClassVar[str]
    log_prefix: ClassVar[str]
    webhook_name: ClassVar[str]
    settings: ClassVar[Sequence[SettingField]] = ()

    def unreachable(self) -> Sequence[tuple[str, ColumnElement[bool]]]:
        """Why a contact cannot be reached this way: (reason, condition on `contacts`) in the order
        in which they are asked. Empty when everybody can."""
        return ()

    def address(self) -> ColumnElement[Any] | None:
        """What a message goes to, as an expression of text on `contacts`: of the contacts of a
        campaign for whom it is the same, one is written to. None where each contact is reached by
        itself."""
        return None

    def suppressible_address(self) -> ColumnElement[str] | None:
        """What a suppression may name a contact by, beside its number and its e-mail address, as
        an expression on `contacts`; None where there is nothing else."""
        return None


class ConversationChannel(Channel):
    """A channel that reaches a contact by opening a conversation in our own database."""

    @abstractmethod
    def deliver(
        self,
        session: Session,
        origin: Origin,
        addressees: Sequence[Addressee],
        numbers: Sequence[int],
        now: datetime,
    ) -> None:
        """Open one conversation with one message for each addressee, and write the webhook events.

        `numbers` are the conversations' display ids, one for each addressee. All or nothing:
        raises the database's error when any row is refused. Does not commit.
        """


def phone_rules() -> Sequence[tuple[str, ColumnElement[bool]]]:
    """The reasons for which a contact has no telephone number a message could go to."""
    return (
        ("no_phone", Contact.phone_number.is_(None)),
        ("invalid_phone", ~Contact.phone_number.like("+%")),
    )
