"""The ledger of channels that ask a provider to send: `sending` before, what came of it after.

Like those of `ledger`, every write is made in a transaction that holds the lease.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Self, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from campaigns_app.campaigns import leases, ledger
from campaigns_app.campaigns.announcing import announce_failures
from campaigns_app.campaigns.leases import Lease
from campaigns_app.campaigns.ledger import CONTACT_COLUMNS
from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.campaigns.results import Result, recording
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact, Suppression
from campaigns_app.database.among import among, id_list
from campaigns_app.database.clock import database_now
from campaigns_app.database.one_trip import Step, in_one_trip

PENDING, SENDING = RecipientState.PENDING, RecipientState.SENDING
SKIPPED = RecipientState.SKIPPED

RECIPIENT_COLUMNS = (
    CampaignRecipient.contact_id,
    CampaignRecipient.id,
    CampaignRecipient.attempts,
    *CONTACT_COLUMNS,
)
CONTACT_NAMES = tuple(one.key for one in CONTACT_COLUMNS)


class Wish(NamedTuple):
    """How many pending recipients to read, and the contacts that are not meant."""

    most: int
    besides: Sequence[int] = ()


class News(NamedTuple):
    """What is to be written down: the results of those who are `sending`, the results of those who
    are `pending` and with whom nothing was begun, and the contacts to begin with. Whoever may come
    next is read by the way."""

    results: Sequence[Result]
    refusals: Sequence[Result] = ()
    contact_ids: Sequence[int] = ()
    next_ones: Wish | None = None


class RecipientRow(NamedTuple):
    """A recipient whose message is to be written: the contact's id, that of the row in the ledger,
    the attempts before, and the contact by column, empty where it was deleted."""

    recipient_id: int
    row_id: int
    attempts: int
    contact: Mapping[str, Any]

    @classmethod
    def of(cls, row: Sequence[Any]) -> Self:
        """From a row of `RECIPIENT_COLUMNS`, joined with contacts."""
        recipient_id, row_id, attempts, *contact = row
        return cls(recipient_id, row_id, attempts, dict(zip(CONTACT_NAMES, contact, strict=True)))


class Written(NamedTuple):
    """What came of writing down: the contacts that are `sending` now, whether the campaign goes on,
    and who may come next."""

    begun: set[int]
    goes_on: bool
    next_ones: Sequence[RecipientRow] = ()


def due_recipients(session: Session, lease: Lease, wish: Wish) -> Sequence[RecipientRow]:
    """Pending recipients of the batch whose time has come."""
    dialect = session.connection().dialect.name
    [rows] = in_one_trip(session, [_reading(dialect, lease, wish)])
    return [RecipientRow.of(row) for row in rows]


def _reading(dialect: str, lease: Lease, wish: Wish) -> Step:
    values = {
        "campaign": lease.campaign_id,
        "first": lease.first_contact_id,
        "last": lease.last_contact_id,
        "besides": id_list(dialect, wish.besides),
        "most": wish.most,
    }
    return Step(_due(dialect), values)


@cache
def _due(dialect: str) -> Select[Any]:
    table = cast(Table, CampaignRecipient.__table__)
    return (
        select(*RECIPIENT_COLUMNS)
        .outerjoin(Contact, Contact.id == table.c.contact_id)
        .where(
            table.c.campaign_id == bindparam("campaign"),
            table.c.contact_id.between(bindparam("first"), bindparam("last")),
            table.c.state == PENDING.value,
            ~among(dialect, table.c.contact_id, bindparam("besides")),
            or_(table.c.next_attempt_at.is_(None), table.c.next_attempt_at <= database_now()),
        )
        .order_by(table.c.contact_id)
        .limit(bindparam("most"))
    )


def next_due(session: Session, lease: Lease) -> datetime | None:
    """When the first of those who wait may be tried again; None where nobody is pending."""
    return session.scalar(
        select(func.min(func.coalesce(CampaignRecipient.next_attempt_at, database_now()))).where(
            *_of_batch(lease), CampaignRecipient.state == PENDING
        )
    )


def who_is_sending(session: Session, lease: Lease) -> Sequence[int]:
    """The contacts of the batch who are marked as being sent to."""
    wanted = select(CampaignRecipient.contact_id).where(
        *_of_batch(lease), CampaignRecipient.state == SENDING
    )
    return session.scalars(wanted).all()


def write_down(
    session: Session, lease: Lease, lease_seconds: int, channel: Channel, news: News
) -> Written:
    """Write down the news, and renew the lease. Where the campaign does not go on, only results
    are written down.

    Whoever was blocked or opted out since the start is skipped, with the reason. Raises
    `StaleLease`. Does not commit.
    """
    results, refusals, contact_ids, next_ones = news
    dialect = session.connection().dialect.name
    steps = [
        ledger.counting(lease, lease_seconds, _changes(news)),
        *recording(dialect, lease, results, SENDING),
        *recording(dialect, lease, refusals, PENDING),
    ]
    if contact_ids:
        steps.append(_moving(dialect, lease, channel, contact_ids, SENDING))
    if next_ones:
        steps.append(_reading(dialect, lease, next_ones))
    answers = in_one_trip(session, steps)
    goes_on = leases.is_going_on(lease, answers[0])
    if not goes_on and news != News(results):
        session.rollback()
        return write_down(session, lease, lease_seconds, channel, News(results))
    rows = [RecipientRow.of(row) for row in answers.pop()] if next_ones else []
    begun = {contact_id for (contact_id,) in answers[-1]} if contact_ids else set()
    left = [one for one in contact_ids if one not in begun]
    if left:
        _skip(session, lease, lease_seconds, channel, left)
    announce_failures(session, lease.account_id, lease.campaign_id, [*results, *refusals])
    return Written(begun, goes_on, rows)


def _changes(news: News) -> Mapping[RecipientState, int]:
    """As if everybody who is to be begun with could be."""
    moved = Counter(one.state for one in (*news.results, *news.refusals))
    moved[SENDING] += len(news.contact_ids) - len(news.results)
    moved[PENDING] -= len(news.contact_ids) + len(news.refusals)
    return moved


def _skip(
    session: Session,
    lease: Lease,
    lease_seconds: int,
    channel: Channel,
    contact_ids: Sequence[int],
) -> None:
    """Leave out those who may not be written to. They were counted as `sending`."""
    dialect = session.connection().dialect.name
    reasons = (Reason.BLOCKED, Reason.OPTED_OUT)
    steps = [_moving(dialect, lease, channel, contact_ids, SKIPPED, reason) for reason in reasons]
    skipped = sum(map(len, in_one_trip(session, steps)))
    back = {
        SENDING: -len(contact_ids),
        PENDING: len(contact_ids) - skipped,
        SKIPPED: skipped,
    }
    in_one_trip(session, [ledger.counting(lease, lease_seconds, back)])


def _moving(
    dialect: str,
    lease: Lease,
    channel: Channel,
    contact_ids: Sequence[int],
    state: RecipientState,
    reason: Reason | None = None,
) -> Step:
    """The step that moves those pending recipients to `state` whom `reason`, or none against it,
    fits; it returns their contacts."""
    values = {
        "campaign": lease.campaign_id,
        "contacts": id_list(dialect, contact_ids),
        # Between them, or else the whole campaign may be read for a few.
        "first": min(contact_ids),
        "last": max(contact_ids),
    }
    return Step(_moved(dialect, channel, state, reason), values)


@cache
def _moved(dialect: str, channel: Channel, state: RecipientState, reason: Reason | None) -> Update:
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
            table.c.campaign_id == bindparam("campaign"),
            table.c.contact_id.between(bindparam("first"), bindparam("last")),
            among(dialect, table.c.contact_id, bindparam("contacts")),
            table.c.state == PENDING.value,
            exists().where(Contact.id == table.c.contact_id, fits[reason]),
        )
        .values(state=state.value, reason=reason, updated_at=database_now(), **begins)
        .returning(table.c.contact_id)
    )


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
