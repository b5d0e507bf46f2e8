"""Starting a campaign: once, at its time, whatever dies.

One transaction marks the campaign completed, writes its audience into the ledger and cuts the
ledger into batches. Until it commits nothing has happened; after it, no retry and no second worker
can start the campaign again.
"""

import logging

from sqlalchemy import ColumnElement, and_, insert, literal, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.announcing import announce
from campaigns_app.campaigns.audience import recipient_rows
from campaigns_app.campaigns.cutting import cut_batches
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.states import CampaignStatus, CampaignType
from campaigns_app.campaigns.template_findings import faults_of_template
from campaigns_app.campaigns.template_loss import pause_for_template
from campaigns_app.channels.registry import ChannelRegistry
from campaigns_app.database.clock import database_now
from campaigns_app.errors import UnknownChannel
from campaigns_app.webhooks.events import CAMPAIGN_FINISHED, CAMPAIGN_STARTED

logger = logging.getLogger(__name__)


def start_campaign(
    session: Session, channels: ChannelRegistry, campaign_id: int, batch_size: int
) -> list[int]:
    """Start the campaign if it is due, and return the ids of its batches, at most `batch_size`
    recipients each.

    Returns none where it is not due, is paused, or has been started already. A campaign whose
    inbox can no longer be used is marked failed, with the reason; one whose template was taken
    back is paused: its page says why, and somebody resumes it. Commits.
    """
    if not _claim(session, campaign_id):
        session.rollback()
        return []
    campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
    failure = _reason_not_to_start(campaign, channels)
    if failure is not None:
        campaign.failure = failure
        session.commit()
        logger.error("Campaign %s could not start: %s", campaign_id, failure)
        return []
    if _has_lost_its_template(campaign):
        _hold(session, campaign)
        return []
    recipients = _freeze_audience(session, campaign, channels)
    batch_ids = cut_batches(session, campaign_id, recipients, batch_size)
    announce(session, campaign, CAMPAIGN_STARTED)
    if not batch_ids:
        campaign.finished_at = campaign.started_at
        announce(session, campaign, CAMPAIGN_FINISHED)
    session.commit()
    logger.info("Campaign %s started with %s batches", campaign_id, len(batch_ids))
    return batch_ids


def is_due() -> ColumnElement[bool]:
    """The condition that a campaign should start now, by the database's clock."""
    return and_(
        Campaign.campaign_type == CampaignType.ONE_OFF.value,
        Campaign.campaign_status == CampaignStatus.ACTIVE.value,
        Campaign.enabled,
        Campaign.cancelled_at.is_(None),
        Campaign.scheduled_at <= database_now(),
    )


def _claim(session: Session, campaign_id: int) -> bool:
    """Mark the campaign completed; false where that is not ours to do."""
    claimed = session.scalar(
        update(Campaign)
        .where(Campaign.id == campaign_id, is_due())
        .values(
            campaign_status=CampaignStatus.COMPLETED.value,
            started_at=database_now(),
            updated_at=database_now(),
        )
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    )
    return claimed is not None


def _reason_not_to_start(campaign: Campaign, channels: ChannelRegistry) -> str | None:
    if not campaign.inbox.enabled:
        return "The inbox is disabled"
    try:
        channels.get(campaign.inbox.inbox_type)
    except UnknownChannel as error:
        return str(error)
    return None


def _has_lost_its_template(campaign: Campaign) -> bool:
    """Whether everybody would be refused. One that never had a template is the provider's to
    judge."""
    is_named = bool((campaign.template_params or {}).get("name"))
    return is_named and bool(faults_of_template(campaign))


def _hold(session: Session, campaign: Campaign) -> None:
    """Pause the campaign as if it had not begun. Commits."""
    campaign.campaign_status, campaign.started_at = CampaignStatus.ACTIVE.value, None
    pause_for_template(session, campaign)
    session.commit()


def _freeze_audience(session: Session, campaign: Campaign, channels: ChannelRegistry) -> int:
    """Write the ledger; returns how many are in it."""
    channel = channels.get(campaign.inbox.inbox_type)
    audience = recipient_rows(campaign, channel)
    contact_id, state, reason = audience.selected_columns
    ledger = insert(CampaignRecipient).from_select(
        ["account_id", "campaign_id", "contact_id", "state", "reason"],
        audience.with_only_columns(
            literal(campaign.account_id), literal(campaign.id), contact_id, state, reason
        ).order_by(contact_id),
        include_defaults=False,
    )
    written = session.connection().execute(ledger.execution_options(preserve_rowcount=True))
    return written.rowcount
