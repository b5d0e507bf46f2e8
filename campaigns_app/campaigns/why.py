"""Why a contact is in a campaign or not, with the facts behind the answer.

Before the start the answer is what would happen now, by the rules that make the ledger; afterwards
it is the ledger's, and of who is not in it: what must have been so when the campaign started.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.facts import Facts, Recorded, Twin, gather_facts
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.listing import search_conditions
from campaigns_app.contacts.models import Contact, Suppression
from campaigns_app.database.text import is_storable

MOST_FOUND = 20
LONGEST_ID = 18
"""Digits; what is longer might not fit a database's integer."""


class Answer(StrEnum):
    """Whether a contact is in, or why not."""

    WILL_SEND = "will_send"
    LEFT_OUT = "left_out"
    NOT_MATCHED = "not_matched"
    RECIPIENT = "recipient"
    CREATED_LATER = "created_later"
    MATCHED_LATER = "matched_later"
    NEVER_STARTED = "never_started"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One contact's answer. `contact` is None where it has been deleted since.

    `labels` are those of the campaign's that the contact carries now, by title; `reason` is why it
    is left out, or why its recipient is in its state; `recorded` is None before the start, and for
    who is not in the ledger.
    """

    contact_id: int
    contact: Contact | None
    answer: Answer
    reason: str | None
    labels: Sequence[str]
    suppressions: Sequence[Suppression]
    twin: Twin | None
    recorded: Recorded | None

    @property
    def is_in(self) -> bool:
        """Whether the contact is, or was to be, written to."""
        if self.recorded is not None:
            return self.recorded.recipient.state != RecipientState.SKIPPED
        return self.answer is Answer.WILL_SEND


@dataclass(frozen=True, slots=True)
class Findings:
    """The answers for the contacts that were found; `has_more` says that these are not all."""

    verdicts: Sequence[Verdict] = ()
    has_more: bool = False


def explain_contacts(
    session: Session, campaign: Campaign, channel: Channel, search: str
) -> Findings:
    """The answers for the account's contacts whose name, e-mail address, phone number or
    identifier holds `search`, or whose id it is: exact ones first, at most `MOST_FOUND`.

    Makes the same number of queries however many there are.
    """
    search = search.strip()
    if not search or not is_storable(search):
        return Findings()
    found = find_contacts(session, campaign.account_id, search)
    contacts = {contact.id: contact for contact in found[:MOST_FOUND]}
    ids = dict.fromkeys([*contacts, *_as_ids(search)])
    facts = gather_facts(session, campaign, channel, ids)
    return Findings(
        tuple(
            _judge(campaign, contact_id, contacts.get(contact_id), facts)
            for contact_id in ids
            if contact_id in contacts or contact_id in facts.recorded
        ),
        len(found) > MOST_FOUND,
    )


def find_contacts(session: Session, account_id: int, search: str) -> Sequence[Contact]:
    """The account's contacts that `search` finds, exact ones first, one more than is shown."""
    is_exact = or_(
        Contact.id.in_(_as_ids(search)),
        Contact.phone_number == search,
        Contact.email == search.lower(),
        Contact.identifier == search,
    )
    return session.scalars(
        select(Contact)
        .where(Contact.account_id == account_id, or_(is_exact, *search_conditions(search)))
        .order_by(is_exact.is_not(True), Contact.id)
        .limit(MOST_FOUND + 1)
    ).all()


def _as_ids(search: str) -> list[int]:
    number = search.removeprefix("#")
    return [int(number)] if number.isdecimal() and len(number) <= LONGEST_ID else []


def _judge(campaign: Campaign, contact_id: int, contact: Contact | None, facts: Facts) -> Verdict:
    recorded = facts.recorded.get(contact_id)
    is_matched = contact_id in facts.reasons
    reason = facts.reasons.get(contact_id)
    if recorded is not None:
        answer, reason = Answer.RECIPIENT, recorded.recipient.reason
    elif campaign.is_over and (campaign.failure is not None or campaign.started_at is None):
        answer, reason = Answer.NEVER_STARTED, None
    elif campaign.is_completed:
        answer, reason = _why_not_recorded(campaign, contact, is_matched), None
    elif not is_matched:
        answer = Answer.NOT_MATCHED
    else:
        answer = Answer.WILL_SEND if reason is None else Answer.LEFT_OUT
    return Verdict(
        contact_id,
        contact,
        answer,
        reason,
        facts.labels.get(contact_id, ()),
        facts.suppressions.get(contact_id, ()),
        facts.twins.get(contact_id) if reason == Reason.DUPLICATE_PHONE else None,
        recorded,
    )


def _why_not_recorded(campaign: Campaign, contact: Contact | None, is_matched: bool) -> Answer:
    """What keeps a contact out of a ledger into which everybody went who matched at the start."""
    started_at: datetime | None = campaign.started_at
    if contact is not None and started_at is not None and contact.created_at > started_at:
        return Answer.CREATED_LATER
    return Answer.MATCHED_LATER if is_matched else Answer.NOT_MATCHED
