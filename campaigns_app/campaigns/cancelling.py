"""Closing the batches of a cancelled campaign."""

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.database.clock import database_now
from campaigns_app.database.types import utcnow


def is_cancelled() -> ColumnElement[bool]:
    """The condition, on batches joined with campaigns, that the batch is to be closed."""
    return and_(
        CampaignBatch.finished_at.is_(None),
        CampaignBatch.sending == 0,
        Campaign.cancelled_at.is_not(None),
    )


def cancel_next_batch(session: Session) -> bool:
    """Close one open batch of a cancelled campaign, its pending recipients becoming cancelled.

    Raises the fence, so that a worker in the middle of it writes nothing more. A batch in which
    somebody is being sent to is left until that is settled. Returns whether there was one. Commits.
    """
    batch = session.execute(
        select(CampaignBatch)
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .where(is_cancelled())
        .order_by(CampaignBatch.id)
        .limit(1)
        .with_for_update(of=CampaignBatch)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if batch is None:
        session.rollback()
        return False
    changed = session.connection().execute(
        update(CampaignRecipient)
        .where(
            CampaignRecipient.campaign_id == batch.campaign_id,
            CampaignRecipient.contact_id.between(batch.first_contact_id, batch.last_contact_id),
            CampaignRecipient.state == RecipientState.PENDING,
        )
        .values(state=RecipientState.CANCELLED.value, updated_at=database_now())
    )
    batch.cancelled += changed.rowcount
    batch.pending -= changed.rowcount
    batch.fence += 1
    batch.lease_owner = batch.lease_expires_at = None
    batch.finished_at = utcnow()
    session.commit()
    return True
