"""Pausing campaigns whose template was taken back: everybody left in them would be refused."""

import logging
from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.audit import record
from campaigns_app.campaigns.announcing import announce
from campaigns_app.campaigns.models import Campaign
from campaigns_app.channels.templates import APPROVED
from campaigns_app.inboxes.models import InboxTemplate, TemplateSync
from campaigns_app.webhooks.events import CAMPAIGN_PAUSED

logger = logging.getLogger(__name__)


def pause_for_template(session: Session, campaign: Campaign) -> None:
    """Begin with nobody until somebody resumes the campaign, whose page says what is wrong with its
    template. Does not commit."""
    campaign.enabled = False
    record("campaign.paused", None, campaign, after={"reason": "template"})
    announce(session, campaign, CAMPAIGN_PAUSED)
    logger.error("Campaign %s is paused: its template cannot be sent any more", campaign.id)


def without_template() -> Select[int]:
    """The ids of the campaigns that are being sent although their template is not approved any
    more, or not there."""
    return select(Campaign.id).where(
        Campaign.started_at.is_not(None),
        Campaign.finished_at.is_(None),
        Campaign.cancelled_at.is_(None),
        Campaign.failure.is_(None),
        Campaign.enabled,
        _has_lost_its_template(),
    )


def pause_without_template(session: Session, campaign_id: int) -> None:
    """Pause the campaign if it is one of those `without_template`. Does not commit."""
    lost = without_template().where(Campaign.id == campaign_id).with_for_update()
    if session.scalar(lost) is not None:
        pause_for_template(session, session.get_one(Campaign, campaign_id, populate_existing=True))


def pause_after_news(session: Session, inbox_ids: Collection[int]) -> None:
    """Pause the campaigns from these inboxes, whose templates were told of, that have lost theirs.
    Does not commit."""
    if not inbox_ids:
        return
    lost = without_template().where(Campaign.inbox_id.in_(inbox_ids)).order_by(Campaign.id)
    for campaign_id in session.scalars(lost).all():
        pause_without_template(session, campaign_id)


def _has_lost_its_template() -> ColumnElement[bool]:
    """Of an inbox whose list was never fetched, nothing is known."""
    name, language = (Campaign.template_params[key].as_string() for key in ("name", "language"))
    approved = select(InboxTemplate.id).where(
        InboxTemplate.inbox_id == Campaign.inbox_id,
        InboxTemplate.name == name,
        InboxTemplate.language == language,
        InboxTemplate.status == APPROVED,
    )
    fetched = select(TemplateSync.inbox_id).where(
        TemplateSync.inbox_id == Campaign.inbox_id, TemplateSync.synced_at.is_not(None)
    )
    return and_(name.is_not(None), fetched.exists(), ~approved.exists())
