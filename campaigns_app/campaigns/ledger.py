"""The ledger's writes: taking a batch, recording what became of its recipients, giving it back.

Every write names the fence under which the batch was taken. The fence rises whenever a batch is
taken, so a worker that was stopped past its lease and wakes up changes no row.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import (
    Campaign,
    CampaignBatch,
    CampaignRecipient,
    RecipientState,
)
from campaigns_app.contacts.models import Contact
from campaigns_app.conversations.numbering import reserve_display_ids
from campaigns_app.database.clock import database_now
from campaigns_app.errors import StaleLease

CONTACT_COLUMNS = (
    Contact.id,
    Contact.name,
    Contact.email,
    Contact.phone_number,
    Contact.identifier,
    Contact.blocked,
    Contact.custom_attributes,
    Contact.additional_attributes,
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a batch, until it expires or the fence rises.

    `numbers` are display ids reserved for the conversations of its pending recipients.
    """

    batch_id: int
    account_id: int
    campaign_id: int
    first_contact_id: int
    last_contact_id: int
    fence: int
    numbers: range


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient that was not simply sent."""

    contact_id: int
    state: RecipientState
    reason: str
    error: str | None = None


def take_batch(session: Session, owner: str, lease_seconds: int) -> Lease | None:
    """Take the oldest batch that is open, whose campaign is going on, and that nobody holds.

    Returns nothing where there is none. Commits.
    """
    batch = session.execute(
        update(CampaignBatch)
        .where(CampaignBatch.id == _next_free_batch().scalar_subquery())
        .values(
            lease_owner=owner,
            lease_expires_at=database_now(lease_seconds),
            fence=CampaignBatch.fence + 1,
        )
        .returning(
            CampaignBatch.id,
            CampaignBatch.campaign_id,
            CampaignBatch.first_contact_id,
            CampaignBatch.last_contact_id,
            CampaignBatch.fence,
            CampaignBatch.pending,
        )
        .execution_options(synchronize_session=False)
    ).first()
    if batch is None:
        session.rollback()
        return None
    account_id = session.scalars(
        select(Campaign.account_id).where(Campaign.id == batch.campaign_id)
    ).one()
    numbers = reserve_display_ids(session, account_id, batch.pending)
    session.commit()
    return Lease(account_id=account_id, numbers=numbers, **_bounds(batch))


def _next_free_batch() -> Select[int]:
    return (
        select(CampaignBatch.id)
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .where(is_workable())
        .order_by(CampaignBatch.id)
        .limit(1)
        .with_for_update(of=CampaignBatch, skip_locked=True)
    )


def _bounds(batch: Row[int, int, int, int, int, int]) -> dict[str, int]:
    return {
        "batch_id": batch.id,
        "campaign_id": batch.campaign_id,
        "first_contact_id": batch.first_contact_id,
        "last_contact_id": batch.last_contact_id,
        "fence": batch.fence,
    }


def is_workable() -> ColumnElement[bool]:
    """The condition, on batches joined with campaigns, that a worker may take the batch now."""
    return and_(
        CampaignBatch.finished_at.is_(None),
        or_(
            CampaignBatch.lease_expires_at.is_(None),
            CampaignBatch.lease_expires_at < database_now(),
        ),
        Campaign.enabled,
        Campaign.cancelled_at.is_(None),
    )


def hold(session: Session, lease: Lease) -> bool:
    """Lock the leased batch until the transaction ends; returns whether its campaign goes on.

    Raises `StaleLease` when somebody else has taken the batch. Does not commit.
    """
    row = session.execute(
        select(Campaign.enabled, Campaign.cancelled_at)
        .join(CampaignBatch, CampaignBatch.campaign_id == Campaign.id)
        .where(
            CampaignBatch.id == lease.batch_id,
            CampaignBatch.fence == lease.fence,
            CampaignBatch.finished_at.is_(None),
        )
        .with_for_update(of=CampaignBatch)
    ).first()
    if row is None:
        raise StaleLease(f"batch {lease.batch_id} is no longer held under fence {lease.fence}")
    return bool(row.enabled) and row.cancelled_at is None


def pending_recipients(
    session: Session, lease: Lease, first: int, last: int, limit: int
) -> Sequence[Row[tuple[int, ...]]]:
    """The pending recipients from contact `first` to `last`, at most `limit`, by contact id.

    Rows of `recipient_id` (a contact id) and `CONTACT_COLUMNS`, which are empty where the contact
    has been deleted.
    """
    return session.execute(
        select(CampaignRecipient.contact_id.label("recipient_id"), *CONTACT_COLUMNS)
        .outerjoin(Contact, Contact.id == CampaignRecipient.contact_id)
        .where(
            CampaignRecipient.campaign_id == lease.campaign_id,
            CampaignRecipient.contact_id.between(first, last),
            CampaignRecipient.state == RecipientState.PENDING,
        )
        .order_by(CampaignRecipient.contact_id)
        .limit(limit)
    ).all()


def record(
    session: Session,
    lease: Lease,
    lease_seconds: int,
    *,
    first: int,
    last: int,
    sent: int,
    others: Sequence[Outcome],
) -> None:
    """Record that of the pending recipients from contact `first` to `last`, `others` ended as told
    and the rest, `sent` in number, were sent; renew the lease.

    Raises `StaleLease` when the ledger or the batch is not as this worker left it. Does not commit.
    """
    for outcome in others:
        _record_other(session, lease, outcome)
    if sent:
        _record_sent(session, lease, first, last, sent)
    _count(session, lease, lease_seconds, Counter(o.state for o in others), sent)


def _record_other(session: Session, lease: Lease, outcome: Outcome) -> None:
    session.execute(
        update(CampaignRecipient)
        .where(
            CampaignRecipient.campaign_id == lease.campaign_id,
            CampaignRecipient.contact_id == outcome.contact_id,
            CampaignRecipient.state == RecipientState.PENDING,
        )
        .values(
            state=outcome.state.value,
            reason=outcome.reason,
            error=outcome.error,
            updated_at=database_now(),
        )
        .execution_options(synchronize_session=False)
    )


def _record_sent(session: Session, lease: Lease, first: int, last: int, expected: int) -> None:
    """Those who had another outcome have left `pending` already; everybody else was sent."""
    changed = session.connection().execute(
        update(CampaignRecipient)
        .where(
            CampaignRecipient.campaign_id == lease.campaign_id,
            CampaignRecipient.contact_id.between(first, last),
            CampaignRecipient.state == RecipientState.PENDING,
        )
        .values(
            state=RecipientState.SENT.value,
            attempts=CampaignRecipient.attempts + 1,
            sent_at=database_now(),
            updated_at=database_now(),
        )
    )
    if changed.rowcount != expected:
        raise StaleLease(
            f"{changed.rowcount} recipients of campaign {lease.campaign_id} were pending, "
            f"not the {expected} that were delivered to"
        )


def _count(
    session: Session,
    lease: Lease,
    lease_seconds: int,
    others: Mapping[RecipientState, int],
    sent: int,
) -> None:
    changes = {RecipientState.SENT: sent, **others}
    counters = {
        getattr(CampaignBatch, state.value): getattr(CampaignBatch, state.value) + count
        for state, count in changes.items()
        if count
    }
    held = session.connection().execute(
        update(CampaignBatch)
        .where(CampaignBatch.id == lease.batch_id, CampaignBatch.fence == lease.fence)
        .values(
            {
                **counters,
                CampaignBatch.pending: CampaignBatch.pending - sum(changes.values()),
                CampaignBatch.lease_expires_at: database_now(lease_seconds),
            }
        )
    )
    if held.rowcount != 1:
        raise StaleLease(f"batch {lease.batch_id} was taken by another worker")


def give_back(session: Session, lease: Lease, *, finished: bool) -> None:
    """End the lease, and with `finished` the batch. Changes nothing when the lease is stale.

    Commits.
    """
    values = {"lease_owner": None, "lease_expires_at": None}
    session.execute(
        update(CampaignBatch)
        .where(CampaignBatch.id == lease.batch_id, CampaignBatch.fence == lease.fence)
        .values(**values, **({"finished_at": database_now()} if finished else {}))
        .execution_options(synchronize_session=False)
    )
    session.commit()


def finish_campaign(session: Session, campaign_id: int) -> bool:
    """Mark the campaign finished if all its batches are; returns whether this call did. Commits.

    Call it in a transaction after the one that finished a batch: two workers that finish the last
    two batches at once would each see the other's as open.
    """
    open_batch = select(CampaignBatch.id).where(
        CampaignBatch.campaign_id == Campaign.id, CampaignBatch.finished_at.is_(None)
    )
    finished = session.scalar(
        update(Campaign)
        .where(
            Campaign.id == campaign_id,
            Campaign.started_at.is_not(None),
            Campaign.finished_at.is_(None),
            ~open_batch.exists(),
        )
        .values(finished_at=database_now(), updated_at=database_now())
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    return finished is not None
