"""Pausing campaigns whose message is refused, or whose template was taken back: everybody left in
them would be refused."""

import logging
from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.audit import record
from campaigns_app.campaigns.announcing import announce
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.template_choice import USUAL_LANGUAGE
from campaigns_app.channels.templates import APPROVED
from campaigns_app.inboxes.models import InboxTemplate, TemplateSync
from campaigns_app.inboxes.template_news import fetch_soon
from campaigns_app.webhooks.events import CAMPAIGN_PAUSED

logger = logging.getLogger(__name__)


def pause_for_template(session: Session, campaign: Campaign) -> None:
    """Begin with nobody until somebody resumes the campaign, whose page says what is wrong with its
    template. Does not commit."""
    campaign.enabled = False
    record("campaign.paused", None, campaign, after={"reason": "template"})
    announce(session, campaign, CAMPAIGN_PAUSED)
    logger.error("Campaign %s is paused: its template cannot be sent any more", campaign.id)


def pause_refused(session: Session, campaign_id: int, why: str) -> None:
    """Pause the campaign because its provider refuses the message it sends, unless it is paused or
    over, and have the list of templates fetched, which may say what is wrong. Does not commit."""
    going_on = _being_sent().where(Campaign.id == campaign_id).with_for_update()
    if session.scalar(going_on) is None:
        return
    campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
    params = campaign.template_params or {}
    if params.get("name"):
        why = f"{params['name']} ({params.get('language') or USUAL_LANGUAGE}): {why}"
    campaign.pause_reason = why
    fetch_soon(session, campaign.inbox_id)
    pause_for_template(session, campaign)


def without_template() -> Select[int]:
    """The ids of the campaigns that are being sent although their template is not approved any
    more, or not there."""
    return _being_sent().where(_has_lost_its_template())


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


def _being_sent() -> Select[int]:
    return select(Campaign.id).where(
        Campaign.started_at.is_not(None),
        Campaign.finished_at.is_(None),
        Campaign.cancelled_at.is_(None),
        Campaign.failure.is_(None),
        Campaign.enabled,
    )


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
