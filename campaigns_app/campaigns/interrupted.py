"""Recipients whose sending was begun, and then interrupted.

A channel that asks somebody else's machine to send is asked after the recipient was marked
`sending`. Where nobody holds the batch any more, whoever asked is gone, and whether the message
went out cannot be known: the recipient is `unknown`, and is never sent to again by itself.
"""

from typing import Any

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.leases import Lease, hold, is_free
from campaigns_app.campaigns.models import CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.database.clock import database_now


def interrupted_batches() -> Select[int]:
    """The ids of batches in which somebody is `sending` and that nobody holds."""
    return select(CampaignBatch.id).where(is_free(), CampaignBatch.sending > 0)


def settle_interrupted(session: Session, batch_id: int) -> None:
    """Make those `unknown` who are `sending` in the batch, unless somebody has taken it meanwhile.

    Raises the fence too: whoever was only asleep changes nothing when it wakes up. Commits.
    """
    batch = session.execute(_bounds(batch_id).where(is_free()).with_for_update(skip_locked=True))
    bounds = batch.first()
    if bounds is not None:
        _settle(session, batch_id, bounds, fence=CampaignBatch.fence + 1)
    session.commit()


def settle_predecessors(session: Session, lease: Lease) -> None:
    """Make those `unknown` who were `sending` when the lease was taken: who sent to them held the
    batch before. To be called before anybody is begun with.

    Raises `StaleLease`. Commits.
    """
    hold(session, lease)
    bounds = session.execute(_bounds(lease.batch_id).where(CampaignBatch.sending > 0)).first()
    if bounds is not None:
        _settle(session, lease.batch_id, bounds)
    session.commit()


def _bounds(batch_id: int) -> Select[int, int, int]:
    return select(
        CampaignBatch.campaign_id,
        CampaignBatch.first_contact_id,
        CampaignBatch.last_contact_id,
    ).where(CampaignBatch.id == batch_id)


def _settle(session: Session, batch_id: int, bounds: Row[int, int, int], **more: Any) -> None:
    settled = session.connection().execute(
        update(CampaignRecipient)
        .where(
            CampaignRecipient.campaign_id == bounds.campaign_id,
            CampaignRecipient.contact_id.between(bounds.first_contact_id, bounds.last_contact_id),
            CampaignRecipient.state == RecipientState.SENDING,
        )
        .values(
            state=RecipientState.UNKNOWN.value,
            reason=Reason.INTERRUPTED.value,
            updated_at=database_now(),
        )
    )
    session.execute(
        update(CampaignBatch)
        .where(CampaignBatch.id == batch_id)
        .values(
            sending=CampaignBatch.sending - settled.rowcount,
            unknown=CampaignBatch.unknown + settled.rowcount,
            **more,
        )
        .execution_options(synchronize_session=False)
    )
