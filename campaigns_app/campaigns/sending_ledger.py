"""The ledger of channels that ask a provider to send: `sending` before, what came of it after.

Like those of `ledger`, every write is made in a transaction that holds the lease (`leases.hold`).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Row,
    Table,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from campaigns_app.campaigns.announcing import announce_failures
from campaigns_app.campaigns.leases import Lease
from campaigns_app.campaigns.ledger import CONTACT_COLUMNS, count_changes
from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact, Suppression
from campaigns_app.database.clock import database_now

PENDING, SENDING = RecipientState.PENDING, RecipientState.SENDING
SKIPPED = RecipientState.SKIPPED


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a recipient who was `sending`; `pending` again where it may be tried later,
    not before `next_attempt_at`."""

    contact_id: int
    state: RecipientState
    reason: str | None = None
    error: str | None = None
    code: str | None = None
    provider_message_id: str | None = None
    next_attempt_at: datetime | None = None


def due_recipients(
    session: Session, lease: Lease, limit: int, besides: Collection[int]
) -> Sequence[Row[tuple[int, ...]]]:
    """Pending recipients of the batch whose time has come, without the contacts `besides`: rows
    of `recipient_id` (a contact id), `row_id` (of the ledger), `attempts`, and the contact's
    columns, empty where it was deleted."""
    return session.execute(
        select(
            CampaignRecipient.contact_id.label("recipient_id"),
            CampaignRecipient.id.label("row_id"),
            CampaignRecipient.attempts,
            *CONTACT_COLUMNS,
        )
        .outerjoin(Contact, Contact.id == CampaignRecipient.contact_id)
        .where(
            *_of_batch(lease),
            CampaignRecipient.state == PENDING,
            CampaignRecipient.contact_id.not_in(besides),
            or_(
                CampaignRecipient.next_attempt_at.is_(None),
                CampaignRecipient.next_attempt_at <= database_now(),
            ),
        )
        .order_by(CampaignRecipient.contact_id)
        .limit(limit)
    ).all()


def next_due(session: Session, lease: Lease) -> datetime | None:
    """When the first of those who wait may be tried again; None where nobody is pending."""
    return session.scalar(
        select(func.min(func.coalesce(CampaignRecipient.next_attempt_at, database_now()))).where(
            *_of_batch(lease), CampaignRecipient.state == PENDING
        )
    )


def begin_sending(
    session: Session,
    lease: Lease,
    lease_seconds: int,
    channel: Channel,
    contact_ids: Sequence[int],
) -> set[int]:
    """Mark those of the recipients `sending` who may still be written to, and return them.

    Whoever was blocked or opted out since the start is skipped, with the reason. Renews the lease.
    Raises `StaleLease`. Does not commit.
    """
    begun = _change(session, lease, channel, contact_ids, SENDING)
    left = [one for one in contact_ids if one not in begun]
    blocked = _change(session, lease, channel, left, SKIPPED, Reason.BLOCKED)
    opted_out = _change(session, lease, channel, left, SKIPPED, Reason.OPTED_OUT)
    moved = {SENDING: len(begun), SKIPPED: len(blocked) + len(opted_out)}
    count_changes(session, lease, lease_seconds, {PENDING: -sum(moved.values()), **moved})
    return begun


def record_results(
    session: Session, lease: Lease, lease_seconds: int, results: Sequence[Result]
) -> None:
    """Write down what became of recipients who are `sending`, and renew the lease.

    Raises `StaleLease`. Does not commit.
    """
    _move(session, lease, lease_seconds, results, SENDING)


def record_refusals(
    session: Session, lease: Lease, lease_seconds: int, results: Sequence[Result]
) -> None:
    """The same of recipients who are `pending`: nothing was begun with them."""
    _move(session, lease, lease_seconds, results, PENDING)


def _move(
    session: Session,
    lease: Lease,
    lease_seconds: int,
    results: Sequence[Result],
    before: RecipientState,
) -> None:
    _write(session, lease, results, before)
    moved = Counter(result.state for result in results)
    moved[before] -= len(results)
    count_changes(session, lease, lease_seconds, moved)


def _change(
    session: Session,
    lease: Lease,
    channel: Channel,
    contact_ids: Sequence[int],
    state: RecipientState,
    reason: Reason | None = None,
) -> set[int]:
    """Move those pending recipients to `state` whom `reason`, or none against it, fits."""
    if not contact_ids:
        return set()
    theirs = {"contacts": contact_ids, **_bounds(lease)}
    return set(session.connection().scalars(_changing(channel, state, reason), theirs))


@cache
def _changing(channel: Channel, state: RecipientState, reason: Reason | None) -> Update:
    is_suppressed = _is_suppressed(channel.suppressible_address())
    fits: Mapping[Reason | None, ColumnElement[bool]] = {
        None: and_(~Contact.blocked, ~is_suppressed),
        Reason.BLOCKED: Contact.blocked.expression,
        Reason.OPTED_OUT: is_suppressed,
    }
    table = cast(Table, CampaignRecipient.__table__)
    begins = {"attempts": table.c.attempts + 1} if state is SENDING else {}
    return (
        update(table)
        .where(
            # All of it said of the recipients: else the whole campaign may be read for a few.
            table.c.campaign_id == bindparam("campaign"),
            table.c.contact_id.between(bindparam("first"), bindparam("last")),
            table.c.contact_id.in_(bindparam("contacts", expanding=True)),
            table.c.state == PENDING.value,
            exists().where(Contact.id == table.c.contact_id, fits[reason]),
        )
        .values(state=state.value, reason=reason, updated_at=database_now(), **begins)
        .returning(table.c.contact_id)
    )


def _write(
    session: Session, lease: Lease, results: Sequence[Result], before: RecipientState
) -> None:
    if not results:
        return
    rows = [_values(result, lease) for result in results]
    session.connection().execute(_writing(before), rows)
    announce_failures(session, lease.account_id, lease.campaign_id, results)


@cache
def _writing(before: RecipientState) -> Update:
    table = cast(Table, CampaignRecipient.__table__)
    is_sent = bindparam("is_sent", type_=Boolean)
    return (
        update(table)
        .where(
            table.c.campaign_id == bindparam("campaign"),
            table.c.contact_id == bindparam("contact"),
            table.c.state == before.value,
        )
        .values(
            state=bindparam("new_state"),
            reason=bindparam("new_reason"),
            error=bindparam("new_error"),
            provider_code=bindparam("new_code"),
            provider_message_id=bindparam("message_id"),
            next_attempt_at=bindparam("next_at"),
            sent_at=case((is_sent, database_now())),
            updated_at=database_now(),
        )
    )


def _values(result: Result, lease: Lease) -> Mapping[str, Any]:
    return {
        "campaign": lease.campaign_id,
        "contact": result.contact_id,
        "new_state": result.state.value,
        "new_reason": result.reason,
        "new_error": result.error,
        "new_code": result.code,
        "message_id": result.provider_message_id,
        "next_at": result.next_attempt_at,
        "is_sent": result.state is RecipientState.SENT,
    }


def _is_suppressed(address: ColumnElement[str] | None) -> ColumnElement[bool]:
    names = [Contact.phone_number, Contact.email, *([] if address is None else [address])]
    return exists().where(
        Suppression.account_id == Contact.account_id,
        or_(*(Suppression.address == name for name in names)),
    )


def _of_batch(lease: Lease) -> tuple[Any, ...]:
    return (
        CampaignRecipient.campaign_id == lease.campaign_id,
        CampaignRecipient.contact_id.between(lease.first_contact_id, lease.last_contact_id),
    )


def _bounds(lease: Lease) -> Mapping[str, int]:
    return {
        "campaign": lease.campaign_id,
        "first": lease.first_contact_id,
        "last": lease.last_contact_id,
    }
