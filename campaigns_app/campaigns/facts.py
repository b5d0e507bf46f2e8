"""The facts that say whether contacts are in a campaign: a few queries for all of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact, ContactLabel, Label, Suppression
from campaigns_app.conversations.models import Conversation


class Twin(NamedTuple):
    """The contact who is written to at the address that another one shares."""

    id: int
    name: str


class Recorded(NamedTuple):
    """What the ledger says of a contact, and the number of the conversation that was opened."""

    recipient: CampaignRecipient
    conversation_display_id: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known, by contact id.

    `labels` are the titles of the campaign's that the contact carries now. `reasons` has an entry
    for who matches now: why they would be left out, or None.
    """

    labels: Mapping[int, Sequence[str]]
    reasons: Mapping[int, str | None]
    twins: Mapping[int, Twin]
    suppressions: Mapping[int, Sequence[Suppression]]
    recorded: Mapping[int, Recorded]


def gather_facts(
    session: Session,
    campaign: Campaign,
    channel: Channel,
    contact_ids: Collection[int],
) -> Facts:
    """The facts about the contacts with these ids, some of which may be deleted."""
    recorded = _read_ledger(session, campaign, contact_ids)
    addresses = _read_addresses(session, channel, contact_ids)
    reasons = _screen(session, campaign, channel, contact_ids, addresses.values())
    return Facts(
        _read_labels(session, campaign, contact_ids),
        reasons,
        _find_twins(session, campaign, channel, addresses, reasons),
        _read_suppressions(session, campaign.account_id, channel, contact_ids),
        recorded,
    )


def _screen(
    session: Session,
    campaign: Campaign,
    channel: Channel,
    contact_ids: Collection[int],
    addresses: Collection[str],
) -> dict[int, str | None]:
    """Why each matched contact among these, and among those at the same addresses, would be left
    out now; who shares no address with them cannot change the answer."""
    concerned: ColumnElement[bool] = Contact.id.in_(contact_ids)
    address = channel.address()
    if address is not None:
        concerned = or_(concerned, address.in_(set(addresses)))
    matched = matched_contacts(Selection.of(campaign))
    rows = session.execute(screened_contacts(matched & concerned, channel))
    return {row[0]: row[1] for row in rows}


def _read_addresses(
    session: Session, channel: Channel, contact_ids: Collection[int]
) -> dict[int, str]:
    address = channel.address()
    if address is None:
        return {}
    rows = session.execute(
        select(Contact.id, address).where(Contact.id.in_(contact_ids), address.is_not(None))
    )
    return {row[0]: row[1] for row in rows}


def _find_twins(
    session: Session,
    campaign: Campaign,
    channel: Channel,
    addresses: Mapping[int, str],
    reasons: Mapping[int, str | None],
) -> dict[int, Twin]:
    """For each contact: who is written to at its address; after the start, by the ledger."""
    address = channel.address()
    if address is None:
        return {}
    if campaign.is_completed:
        chosen = Contact.id.in_(
            select(CampaignRecipient.contact_id).where(
                CampaignRecipient.campaign_id == campaign.id,
                CampaignRecipient.state != RecipientState.SKIPPED,
            )
        )
    else:
        chosen = Contact.id.in_([one for one, reason in reasons.items() if reason is None])
    rows = session.execute(
        select(address, Contact.id, Contact.name)
        .where(
            Contact.account_id == campaign.account_id,
            address.in_(set(addresses.values())),
            chosen,
        )
        .order_by(Contact.id.desc())
    )
    by_address = {row[0]: Twin(row[1], row[2]) for row in rows}
    return {one: by_address[at] for one, at in addresses.items() if at in by_address}


def _read_labels(
    session: Session, campaign: Campaign, contact_ids: Collection[int]
) -> Mapping[int, Sequence[str]]:
    rows = session.execute(
        select(ContactLabel.contact_id, Label.title)
        .join(Label, Label.id == ContactLabel.label_id)
        .where(
            Label.account_id == campaign.account_id,
            ContactLabel.contact_id.in_(contact_ids),
            ContactLabel.label_id.in_(campaign.label_ids),
        )
        .order_by(Label.title)
    )
    titles: defaultdict[int, list[str]] = defaultdict(list)
    for contact_id, title in rows:
        titles[contact_id].append(title)
    return titles


def _read_suppressions(
    session: Session, account_id: int, channel: Channel, contact_ids: Collection[int]
) -> Mapping[int, Sequence[Suppression]]:
    own = channel.suppressible_address()
    columns = [Contact.phone_number, Contact.email, *([] if own is None else [own])]
    named = {
        contact_id: names
        for contact_id, *names in session.execute(
            select(Contact.id, *columns).where(
                Contact.account_id == account_id, Contact.id.in_(contact_ids)
            )
        )
    }
    addresses = {name for names in named.values() for name in names if name}
    rows = session.scalars(
        select(Suppression).where(
            Suppression.account_id == account_id, Suppression.address.in_(addresses)
        )
    )
    found = {row.address: row for row in rows}
    return {
        contact_id: [found[name] for name in names if name in found]
        for contact_id, names in named.items()
    }


def _read_ledger(
    session: Session, campaign: Campaign, contact_ids: Collection[int]
) -> dict[int, Recorded]:
    rows = session.execute(
        select(CampaignRecipient, Conversation.display_id)
        .outerjoin(
            Conversation,
            (Conversation.campaign_id == CampaignRecipient.campaign_id)
            & (Conversation.contact_id == CampaignRecipient.contact_id),
        )
        .where(
            CampaignRecipient.campaign_id == campaign.id,
            CampaignRecipient.contact_id.in_(contact_ids),
        )
    )
    return {row[0].contact_id: Recorded(row[0], row[1]) for row in rows}
