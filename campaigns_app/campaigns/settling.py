"""What a person decides about messages of which nobody knows whether they went out."""

from dataclasses import replace

from flask_babel import gettext as _
from sqlalchemy import select

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.campaigns.service import get_campaign
from campaigns_app.campaigns.standing import Standing
from campaigns_app.campaigns.standings import lock_recipients, write_standings
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.database.types import utcnow
from campaigns_app.errors import NotFound, Refused
from campaigns_app.extensions import db

CHOICES = (RecipientState.SENT, RecipientState.FAILED)
"""What a person may say that it was."""


def settle_unknown(
    account: Account,
    display_id: int,
    contact_id: int,
    state: RecipientState,
    *,
    actor: User | None,
) -> None:
    """Say that the message to an unknown recipient was sent, or failed. Sends nothing.

    Raises `NotFound`, and `Refused` where the recipient is not unknown any more. Commits.
    """
    campaign = get_campaign(account.id, display_id)
    row_id = db.session.scalar(
        select(CampaignRecipient.id).where(
            CampaignRecipient.campaign_id == campaign.id,
            CampaignRecipient.contact_id == contact_id,
        )
    )
    locked = lock_recipients(db.session(), [row_id] if row_id is not None else [])
    if row_id is None or row_id not in locked:
        db.session.rollback()
        raise NotFound(f"contact {contact_id} is no recipient of campaign {display_id}")
    before = locked[row_id].standing
    if before.state != RecipientState.UNKNOWN or state not in CHOICES:
        db.session.rollback()
        raise Refused(_("CAMPAIGN.SETTLE.KNOWN"))
    after = _decided(before, state)
    write_standings(db.session(), locked, {row_id: after})
    record(
        "recipient.settled",
        actor,
        campaign,
        before={"contact_id": contact_id, "state": before.state, "reason": before.reason},
        after={"contact_id": contact_id, "state": after.state},
    )
    db.session.commit()


def _decided(before: Standing, state: RecipientState) -> Standing:
    is_sent = state is RecipientState.SENT
    return replace(
        before,
        state=state.value,
        reason=Reason.DECIDED_BY_A_PERSON.value,
        error=None,
        sent_at=(before.sent_at or utcnow()) if is_sent else None,
    )
