"""Whom a campaign reaches: one set of SQL conditions for the ledger, the preview and the page.

Contacts that match are screened by rules, in order, the first that holds being the reason for
which a contact is left out. Last comes the one rule that looks at other contacts too: of those
that would be written to at the same address, only the one with the lowest id is.
"""

from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, case, func, literal, null, or_, select
from sqlalchemy.orm import aliased

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import KEYS, Contact, Suppression

Contacts = TypeVar("Contacts", bound=Select[*tuple[Any, ...]])

_OF_PHONE = aliased(Suppression)
_OF_EMAIL = aliased(Suppression)
_OF_ADDRESS = aliased(Suppression)


class Rule(NamedTuple):
    """A reason for leaving a contact out, and the condition under which it holds."""

    reason: str
    condition: ColumnElement[bool]


def exclusion_rules(channel: Channel) -> list[Rule]:
    """Why a matched contact is not written to, each by itself; see `exclusion_reasons`.

    The conditions hold inside `screened_contacts` only, which joins what they ask for.
    """
    suppressions = [_OF_PHONE, _OF_EMAIL]
    if channel.suppressible_address() is not None:
        suppressions.append(_OF_ADDRESS)
    is_suppressed = or_(*(one.id.is_not(None) for one in suppressions))
    return [
        Rule(Reason.BLOCKED.value, Contact.blocked.is_(True)),
        Rule(Reason.OPTED_OUT.value, is_suppressed),
        *(Rule(*rule) for rule in channel.unreachable()),
    ]


def exclusion_reasons(channel: Channel) -> list[str]:
    """Every reason for which a matched contact may be left out, in the order they are asked."""
    reasons = [rule.reason for rule in exclusion_rules(channel)]
    is_shared = _shared_address(channel) is not None
    return [*reasons, Reason.DUPLICATE_PHONE.value] if is_shared else reasons


def screened_contacts(
    matched: ColumnElement[bool], channel: Channel, *besides: ColumnElement[Any]
) -> Select[*tuple[Any, ...]]:
    """A row (contact id, reason) for each contact for which `matched` holds, each contact once;
    the reason is null for those who would be written to. `besides` are labelled expressions on
    contacts to be in the row as well."""
    address = _shared_address(channel)
    reason = case(
        *[(rule.condition, literal(rule.reason)) for rule in exclusion_rules(channel)],
        else_=null(),
    ).label("reason")
    if address is None:
        contacts = select(Contact.id, reason, *besides)
        return _with_suppressions(contacts, channel).where(matched)
    # Only those for whom no other reason holds compete for an address.
    place = func.row_number().over(partition_by=[address, reason], order_by=Contact.id)
    ranked = (
        _with_suppressions(select(Contact.id, reason, place.label("place"), *besides), channel)
        .where(matched)
        .subquery()
    )
    is_repeated = ranked.c.reason.is_(None) & (ranked.c.place > 1)
    return select(
        ranked.c.id,
        case((is_repeated, literal(Reason.DUPLICATE_PHONE.value)), else_=ranked.c.reason).label(
            "reason"
        ),
        *(ranked.c[one.name] for one in besides),
    )


def recipient_rows(campaign: Campaign, channel: Channel) -> Select[int, str, str | None]:
    """A row (contact id, state, reason) for each matched contact, each contact once."""
    screened = screened_contacts(matched_contacts(Selection.of(campaign)), channel).subquery()
    state = case(
        (screened.c.reason.is_(None), literal(RecipientState.PENDING.value)),
        else_=literal(RecipientState.SKIPPED.value),
    )
    return select(screened.c.id, state, screened.c.reason)


def _shared_address(channel: Channel) -> ColumnElement[Any] | None:
    """The channel's address, if several contacts of an account may have the same. Of a number no
    two have the same: the database sees to it, and need not be asked to rank them."""
    address = channel.address()
    is_unique = any(address is getattr(Contact, key).expression for key in KEYS)
    return None if is_unique else address


def _with_suppressions(contacts: Contacts, channel: Channel) -> Contacts:
    """`contacts` joined with what is suppressed of each: at most one row for each address."""
    contacts = contacts.outerjoin(
        _OF_PHONE,
        (_OF_PHONE.account_id == Contact.account_id) & (_OF_PHONE.address == Contact.phone_number),
    ).outerjoin(
        _OF_EMAIL,
        (_OF_EMAIL.account_id == Contact.account_id) & (_OF_EMAIL.address == Contact.email),
    )
    address = channel.suppressible_address()
    if address is None:
        return contacts
    return contacts.outerjoin(
        _OF_ADDRESS,
        (_OF_ADDRESS.account_id == Contact.account_id) & (_OF_ADDRESS.address == address),
    )
