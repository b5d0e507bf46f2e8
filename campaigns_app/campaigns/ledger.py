"""The ledger: who is left to be written to, and what became of whom.

Every write is made under a lease, and names its fence: see `leases`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, Row, and_, bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from campaigns_app.campaigns.announcing import announce, announce_failures
from campaigns_app.campaigns.leases import Lease, is_going_on, whether_its_campaign_goes_on
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import Phase, RecipientState
from campaigns_app.contacts.models import Contact
from campaigns_app.database.clock import database_now
from campaigns_app.database.one_trip import Step
from campaigns_app.errors import StaleLease
from campaigns_app.webhooks.events import CAMPAIGN_FINISHED

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
class Outcome:
    """What became of one recipient that was not simply sent."""

    contact_id: int
    state: RecipientState
    reason: str
    error: str | None = None


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
    moved = Counter(outcome.state for outcome in others)
    moved[RecipientState.SENT] += sent
    moved[RecipientState.PENDING] -= moved.total()
    count_changes(session, lease, lease_seconds, moved)
    announce_failures(session, lease.account_id, lease.campaign_id, others)


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


def count_changes(
    session: Session, lease: Lease, lease_seconds: int, changes: Mapping[RecipientState, int]
) -> None:
    """Add the changes, by state, to the batch's counters, and renew the lease.

    Raises `StaleLease` when another worker has taken the batch. Does not commit.
    """
    held = session.connection().execute(*counting(lease, lease_seconds, changes))
    is_going_on(lease, held.all())


def counting(lease: Lease, lease_seconds: int, changes: Mapping[RecipientState, int]) -> Step:
    """`count_changes` as a step of several, in a transaction that holds the lease or is to hold it
    from now on: `leases.is_going_on` reads its answer."""
    values = {f"more_{state.value}": changes.get(state, 0) for state in RecipientState}
    batch = {"batch": lease.batch_id, "fence_held": lease.fence}
    return Step(_counting(lease_seconds), values | batch)


@cache
def _counting(lease_seconds: int) -> ReturningUpdate[bool]:
    """Built once: every chunk ends with it, and every turn begins with it."""
    counters = {
        state.value: getattr(CampaignBatch, state.value) + bindparam(f"more_{state.value}", 0)
        for state in RecipientState
    }
    return (
        update(CampaignBatch)
        .where(
            CampaignBatch.id == bindparam("batch"),
            CampaignBatch.fence == bindparam("fence_held"),
            CampaignBatch.finished_at.is_(None),
        )
        .values(lease_expires_at=database_now(lease_seconds), **counters)
        .returning(whether_its_campaign_goes_on())
    )


def finish_campaign(session: Session, campaign_id: int) -> bool:
    """Mark the campaign finished if all its batches are; returns whether this call did. Commits.

    Call it in a transaction after the one that finished a batch: two workers that finish the last
    two batches at once would each see the other's as open.
    """
    finished = session.scalar(
        update(Campaign)
        .where(Campaign.id == campaign_id, is_done())
        .values(finished_at=database_now(), updated_at=database_now())
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    )
    if finished is not None:
        campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
        if campaign.phase is Phase.FINISHED:
            announce(session, campaign, CAMPAIGN_FINISHED)
    session.commit()
    return finished is not None


def is_done() -> ColumnElement[bool]:
    """The condition, on campaigns, that all batches are finished and nobody has noted it yet."""
    open_batch = select(CampaignBatch.id).where(
        CampaignBatch.campaign_id == Campaign.id, CampaignBatch.finished_at.is_(None)
    )
    return and_(
        Campaign.started_at.is_not(None),
        Campaign.finished_at.is_(None),
        Campaign.failure.is_(None),
        ~open_batch.exists(),
    )
