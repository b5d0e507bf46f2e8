"""The right to work on a batch: taking it, holding it through a transaction, giving it back.

A batch is taken under a lease with a fence. The fence rises whenever a batch is taken, and every
write names it, so a worker that was stopped past its lease and wakes up changes no row.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignBatch
from campaigns_app.conversations.numbering import reserve_display_ids
from campaigns_app.database.clock import database_now
from campaigns_app.database.one_trip import Rows
from campaigns_app.errors import StaleLease
from campaigns_app.inboxes.models import Inbox


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a batch, until it expires or the fence rises.

    `numbers` are display ids reserved for the conversations of its pending recipients.
    """

    batch_id: int
    account_id: int
    inbox_id: int
    campaign_id: int
    first_contact_id: int
    last_contact_id: int
    fence: int
    numbers: range


TAKEN = (
    CampaignBatch.id,
    CampaignBatch.campaign_id,
    CampaignBatch.first_contact_id,
    CampaignBatch.last_contact_id,
    CampaignBatch.fence,
    CampaignBatch.pending,
)
"""What is told of a batch that was taken."""


def take_batch(
    session: Session,
    owner: str,
    lease_seconds: int,
    *,
    inbox_types: Collection[str] | None = None,
    besides: Collection[int] = (),
    numbered: bool = True,
) -> Lease | None:
    """Take the oldest batch that is open, whose campaign is going on, and that nobody holds, of
    inboxes of these types (of any, if None) and not the inboxes `besides`. If `numbered`, display
    ids are reserved for the conversations of all who are pending in it.

    Returns nothing where there is none. Commits.
    """
    batch = session.execute(
        update(CampaignBatch)
        .where(CampaignBatch.id == _next_free_batch(inbox_types, besides).scalar_subquery())
        .values(
            lease_owner=owner,
            lease_expires_at=database_now(lease_seconds),
            fence=CampaignBatch.fence + 1,
        )
        .returning(*TAKEN)
        .execution_options(synchronize_session=False)
    ).first()
    if batch is None:
        session.rollback()
        return None
    account_id, inbox_id = session.execute(
        select(Campaign.account_id, Campaign.inbox_id).where(Campaign.id == batch.campaign_id)
    ).one()
    numbers = reserve_display_ids(session, account_id, batch.pending) if numbered else range(0)
    session.commit()
    return Lease(account_id=account_id, inbox_id=inbox_id, numbers=numbers, **_bounds(batch))


def _next_free_batch(inbox_types: Collection[str] | None, besides: Collection[int]) -> Select[int]:
    free = (
        select(CampaignBatch.id)
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .join(Inbox, Inbox.id == Campaign.inbox_id)
        .where(is_workable(), Inbox.id.not_in(besides))
        .order_by(CampaignBatch.id)
        .limit(1)
        .with_for_update(of=CampaignBatch, skip_locked=True)
    )
    return free if inbox_types is None else free.where(Inbox.inbox_type.in_(inbox_types))


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
    return and_(is_free(), _goes_on())


def is_free() -> ColumnElement[bool]:
    """The condition, on batches, that there may be something left to do and nobody is doing it."""
    return and_(
        CampaignBatch.finished_at.is_(None),
        or_(
            CampaignBatch.lease_expires_at.is_(None),
            CampaignBatch.lease_expires_at < database_now(),
        ),
        or_(CampaignBatch.resume_at.is_(None), CampaignBatch.resume_at <= database_now()),
    )


def hold(session: Session, lease: Lease) -> bool:
    """Lock the leased batch until the transaction ends; returns whether its campaign goes on.

    Raises `StaleLease` when somebody else has taken the batch. Does not commit.
    """
    named = {"batch": lease.batch_id, "fence_held": lease.fence}
    return is_going_on(lease, session.connection().execute(_holding(), named).all())


def is_going_on(lease: Lease, rows: Rows) -> bool:
    """What `hold` says, from the rows of a statement that says it. Raises `StaleLease`."""
    if not rows:
        raise StaleLease(f"batch {lease.batch_id} is no longer held under fence {lease.fence}")
    return bool(rows[0][0])


@cache
def _holding() -> Select[bool]:
    """Built once: every chunk and every call begins with it."""
    return (
        select(_goes_on().label("goes_on"))
        .join(CampaignBatch, CampaignBatch.campaign_id == Campaign.id)
        .where(
            CampaignBatch.id == bindparam("batch"),
            CampaignBatch.fence == bindparam("fence_held"),
            CampaignBatch.finished_at.is_(None),
        )
        .with_for_update(of=CampaignBatch)
    )


def whether_its_campaign_goes_on() -> ScalarSelect[bool]:
    """The same of the batch that a statement changes."""
    of_batch = select(_goes_on()).where(Campaign.id == CampaignBatch.campaign_id)
    return of_batch.correlate(CampaignBatch).scalar_subquery()


def _goes_on() -> ColumnElement[bool]:
    """That nobody has paused or cancelled the campaign, and that its inbox is on and works."""
    inbox_is_on = (
        select(Inbox.id)
        .where(Inbox.id == Campaign.inbox_id, Inbox.enabled, Inbox.halted_at.is_(None))
        .correlate(Campaign)
    )
    return and_(Campaign.enabled, Campaign.cancelled_at.is_(None), inbox_is_on.exists())


def give_back(
    session: Session, lease: Lease, *, finished: bool, resume_at: datetime | None = None
) -> None:
    """End the lease, and with `finished` the batch; nobody takes it before `resume_at`. Changes
    nothing when the lease is stale.

    Commits.
    """
    session.execute(
        update(CampaignBatch)
        .where(CampaignBatch.id == lease.batch_id, CampaignBatch.fence == lease.fence)
        .values(
            lease_owner=None,
            lease_expires_at=None,
            resume_at=resume_at,
            **({"finished_at": database_now()} if finished else {}),
        )
        .execution_options(synchronize_session=False)
    )
    session.commit()
