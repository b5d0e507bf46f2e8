"""Whom a campaign reaches: one set of SQL conditions for the ledger, the preview and the page."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, case, exists, func, literal, null, or_, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, Reason, RecipientState
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact, ContactLabel, Suppression

Rule = tuple[str, ColumnElement[bool]]


def matched_contacts(account_id: int, label_ids: Sequence[int]) -> ColumnElement[bool]:
    """That a contact of this account carries any of the labels."""
    labelled = select(ContactLabel.contact_id).where(ContactLabel.label_id.in_(label_ids))
    return (Contact.account_id == account_id) & Contact.id.in_(labelled)


def exclusion_rules(channel: Channel) -> list[Rule]:
    """Why a matched contact is not written to, the first reason that holds being the one given."""
    return [
        (Reason.BLOCKED, Contact.blocked.is_(True)),
        (Reason.OPTED_OUT, is_suppressed()),
        *channel.unreachable(),
    ]


def recipient_rows(campaign: Campaign, channel: Channel) -> Select[int, str, str | None]:
    """A row (contact id, state, reason) for each matched contact, each contact once."""
    rules = exclusion_rules(channel)
    reason = case(*[(condition, literal(name)) for name, condition in rules], else_=null())
    state = case(
        (or_(*[condition for _, condition in rules]), literal(RecipientState.SKIPPED.value)),
        else_=literal(RecipientState.PENDING.value),
    )
    return select(Contact.id, state, reason).where(
        matched_contacts(campaign.account_id, campaign.label_ids)
    )


def count_audience(
    session: Session, account_id: int, label_ids: Sequence[int], channel: Channel
) -> dict[str, int]:
    """How many contacts would be written to now, and how many not, by reason.

    Keys: `will_send` first, then each reason that excludes somebody.
    """
    if not label_ids:
        return {"will_send": 0}
    rules = exclusion_rules(channel)
    reason = case(*[(condition, literal(name)) for name, condition in rules], else_=null())
    rows = session.execute(
        select(reason.label("reason"), func.count())
        .where(matched_contacts(account_id, label_ids))
        .group_by(reason)
    ).all()
    counts: dict[str | None, int] = {row[0]: row[1] for row in rows}
    return {"will_send": counts.pop(None, 0)} | {str(name): n for name, n in counts.items()}


def is_suppressed() -> ColumnElement[bool]:
    """That an address of the contact must not be messaged."""
    return exists().where(
        Suppression.account_id == Contact.account_id,
        or_(Suppression.address == Contact.phone_number, Suppression.address == Contact.email),
    )
