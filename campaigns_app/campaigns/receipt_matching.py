"""Whom it is about, what a provider tells: recipients of campaigns of the inbox that was called.

A message is known by our own id or by the provider's; a reply may only be known by the address it
came from, and is then taken for an answer to the last message before it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.standing import RECEIPTS
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.channels.provider import ProviderChannel, ProviderEvent
from campaigns_app.contacts.models import Contact

LONGEST_DELIVERY_ID = 18
"""Digits; what is longer is none of our ids."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""A reply is not older than the message it answers, as far as two machines' clocks agree."""

NEVER_SENT = (RecipientState.PENDING, RecipientState.SKIPPED, RecipientState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Told:
    """An event that was kept, and the inbox to which it was told; `channel` is that inbox's, if it
    is there still."""

    id: int
    account_id: int
    inbox_id: int
    received_at: datetime
    event: ProviderEvent
    channel: ProviderChannel | None = None

    @property
    def address_kind(self) -> str:
        """What the channel calls addresses that are no numbers."""
        return self.channel.address_kind if self.channel is not None else ""

    @property
    def spellings(self) -> Sequence[str]:
        """The address that the event names, in each way that it may be written."""
        address = self.event.address
        if not address or self.channel is None:
            return (address,) if address else ()
        return self.channel.spellings(address)

    @property
    def senders(self) -> Sequence[str]:
        """The same of the person who did something; a receipt is never known by that alone."""
        return () if self.event.kind in RECEIPTS else self.spellings


@dataclass(frozen=True, slots=True)
class Match:
    """The recipient that an event is about; `phone_number` is the contact's, if it still exists."""

    recipient_id: int
    phone_number: str | None


Written = Mapping[tuple[int, str], Sequence[tuple[datetime | None, Match]]]
"""By inbox and address, when whom was written to there."""


def match_recipients(session: Session, told: Sequence[Told]) -> dict[int, Match]:
    """The recipients that the events are about, by the events' ids; who is not found is left out.

    Three queries, however many there are, and one for each kind of address that is no number.
    """
    by_delivery = _by_delivery_id(session, told)
    by_provider = _by_provider_id(session, told)
    by_address = _by_address(session, told)
    matches = {}
    for one in told:
        event = one.event
        delivery = as_row_id(event.delivery_id)
        match = (
            by_delivery.get((one.inbox_id, delivery))
            or by_provider.get((one.inbox_id, event.provider_message_id or ""))
            or _last_before(_written_to_any(one, by_address), event.at)
        )
        if match is not None:
            matches[one.id] = match
    return matches


def as_row_id(delivery_id: str | None) -> int | None:
    """Our own id that a provider gives back; None where it cannot be one."""
    text = delivery_id or ""
    is_id = text.isascii() and text.isdecimal() and len(text) <= LONGEST_DELIVERY_ID
    return int(text) if is_id else None


def _by_delivery_id(
    session: Session, told: Sequence[Told]
) -> Mapping[tuple[int, int | None], Match]:
    ids = {as_row_id(one.event.delivery_id) for one in told} - {None}
    if not ids:
        return {}
    rows = session.execute(
        select(Campaign.inbox_id, CampaignRecipient.id, Contact.phone_number)
        .join(Campaign, Campaign.id == CampaignRecipient.campaign_id)
        .outerjoin(Contact, Contact.id == CampaignRecipient.contact_id)
        .where(CampaignRecipient.id.in_(ids))
    )
    return {(row[0], row[1]): Match(row[1], row[2]) for row in rows}


def _by_provider_id(session: Session, told: Sequence[Told]) -> Mapping[tuple[int, str], Match]:
    ids = {one.event.provider_message_id for one in told} - {None}
    if not ids:
        return {}
    rows = session.execute(
        select(
            Campaign.inbox_id,
            CampaignRecipient.provider_message_id,
            CampaignRecipient.id,
            Contact.phone_number,
        )
        .join(Campaign, Campaign.id == CampaignRecipient.campaign_id)
        .outerjoin(Contact, Contact.id == CampaignRecipient.contact_id)
        .where(CampaignRecipient.provider_message_id.in_(ids))
        .order_by(CampaignRecipient.id)
    )
    return {(row[0], row[1] or ""): Match(row[2], row[3]) for row in rows}


def _by_address(session: Session, told: Sequence[Told]) -> Written:
    """Who was written to at the addresses, in the order of the ledger, and when."""
    by_kind = defaultdict(list)
    for one in told:
        if one.senders:
            by_kind[one.address_kind].append(one)
    written = defaultdict(list)
    for theirs in by_kind.values():
        for inbox_id, address, sent_at, match in _written_to(session, theirs):
            written[inbox_id, address].append((sent_at, match))
    return written


def _written_to(
    session: Session, told: Sequence[Told]
) -> Iterator[tuple[int, str, datetime | None, Match]]:
    """The same for addresses of one kind: inbox, address, when, who."""
    address = _address_column(told[0].channel)
    rows = session.execute(
        select(
            Campaign.inbox_id,
            address,
            CampaignRecipient.sent_at,
            CampaignRecipient.id,
            Contact.phone_number,
        )
        .join(CampaignRecipient, CampaignRecipient.contact_id == Contact.id)
        .join(Campaign, Campaign.id == CampaignRecipient.campaign_id)
        .where(
            Contact.account_id.in_({one.account_id for one in told}),
            address.in_({address for one in told for address in one.senders}),
            Campaign.account_id == Contact.account_id,
            Campaign.inbox_id.in_({one.inbox_id for one in told}),
            CampaignRecipient.state.not_in(NEVER_SENT),
        )
        .order_by(CampaignRecipient.id)
    )
    for inbox_id, where, sent_at, recipient_id, phone_number in rows:
        yield inbox_id, where, sent_at, Match(recipient_id, phone_number)


def _address_column(channel: ProviderChannel | None) -> ColumnElement[Any]:
    address = channel.address() if channel is not None and channel.address_kind else None
    return Contact.phone_number.expression if address is None else address


def _written_to_any(told: Told, by_address: Written) -> Sequence[tuple[datetime | None, Match]]:
    """Who was written to at any spelling of the sender's address, in the order of the ledger."""
    written = (by_address.get((told.inbox_id, address), ()) for address in told.senders)
    return sorted(chain(*written), key=lambda pair: pair[1].recipient_id)


def _last_before(
    written: Sequence[tuple[datetime | None, Match]], at: datetime | None
) -> Match | None:
    fitting = [
        match
        for sent_at, match in written
        if sent_at is None or at is None or sent_at <= at + CLOCKS_DIFFER
    ]
    return fitting[-1] if fitting else None
