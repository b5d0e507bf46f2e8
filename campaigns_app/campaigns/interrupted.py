"""Recipients whose sending was begun, and then interrupted.

A channel that asks somebody else's machine to send is asked after the recipient was marked
`sending`. Where nobody holds the batch any more, whoever asked is gone, and whether the message
went out cannot be known: the recipient is `unknown`, and is never sent to again by itself.
"""

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.leases import is_free
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
    batch = session.execute(
        select(
            CampaignBatch.campaign_id,
            CampaignBatch.first_contact_id,
            CampaignBatch.last_contact_id,
        )
        .where(CampaignBatch.id == batch_id, is_free())
        .with_for_update(skip_locked=True)
    ).first()
    if batch is not None:
        settled = session.connection().execute(
            update(CampaignRecipient)
            .where(
                CampaignRecipient.campaign_id == batch.campaign_id,
                CampaignRecipient.contact_id.between(batch.first_contact_id, batch.last_contact_id),
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
                fence=CampaignBatch.fence + 1,
            )
            .execution_options(synchronize_session=False)
        )
    session.commit()
