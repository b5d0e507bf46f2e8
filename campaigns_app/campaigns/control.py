"""Pausing, resuming and cancelling a campaign, before it starts or while it is being sent.

Each takes effect between two chunks: workers look at the campaign in the transaction that writes
the next one. Each may be asked for again, and then changes nothing.
"""

from datetime import datetime

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.announcing import announce
from campaigns_app.campaigns.jobs import close_cancelled_batches, ring_for_batches
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.service import (
    get_campaign,
    lock_campaign,
    look_ahead_again,
    ring_at_its_time,
)
from campaigns_app.campaigns.states import CampaignStatus, Phase
from campaigns_app.errors import Refused
from campaigns_app.extensions import db
from campaigns_app.job_queue import CAMPAIGNS, enqueue
from campaigns_app.webhooks.events import CAMPAIGN_CANCELLED, CAMPAIGN_PAUSED

IS_OVER = "The campaign is over"


def pause_campaign(account: Account, display_id: int, *, actor: User | None) -> Campaign:
    """Begin with no new recipient until the campaign is resumed; who is left stays pending.

    Raises `NotFound`, and `Refused` when it is over. Commits.
    """
    campaign = _locked_and_not_over(account, display_id)
    if campaign.enabled:
        campaign.enabled = False
        record("campaign.paused", actor, campaign)
        announce(db.session(), campaign, CAMPAIGN_PAUSED)
    db.session.commit()
    return campaign


def resume_campaign(
    account: Account,
    display_id: int,
    *,
    actor: User | None,
    now: datetime,
    soonest: datetime | None = None,
) -> Campaign:
    """Go on with a paused campaign; one whose time came meanwhile starts at once, or at `soonest`.

    Raises `NotFound`, `Refused` when it is over, and `InvalidInput` where it has not started and
    something stands in its way. Commits.
    """
    look_ahead_again(account, get_campaign(account.id, display_id), now)
    campaign = _locked_and_not_over(account, display_id)
    if not campaign.enabled:
        campaign.enabled, campaign.pause_reason = True, None
        if soonest is not None and campaign.started_at is None:
            campaign.scheduled_at = max(campaign.scheduled_at or soonest, soonest)
        record("campaign.resumed", actor, campaign)
    db.session.commit()
    if campaign.started_at is None:
        ring_at_its_time(campaign, now)
    else:
        ring_for_batches(1)
    return campaign


def cancel_campaign(
    account: Account, display_id: int, *, actor: User | None, now: datetime
) -> Campaign:
    """Begin with no new recipient ever again; who is left becomes cancelled.

    Raises `NotFound`, and `Refused` when it is over in another way. Commits.
    """
    campaign = lock_campaign(account.id, display_id)
    if campaign.phase is Phase.CANCELLED:
        db.session.rollback()
        return campaign
    _refuse_if_over(campaign)
    campaign.cancelled_at = now
    campaign.campaign_status = CampaignStatus.COMPLETED.value
    record("campaign.cancelled", actor, campaign)
    announce(db.session(), campaign, CAMPAIGN_CANCELLED)
    db.session.commit()
    if campaign.started_at is not None:
        enqueue(CAMPAIGNS, close_cancelled_batches)
    return campaign


def _locked_and_not_over(account: Account, display_id: int) -> Campaign:
    campaign = lock_campaign(account.id, display_id)
    _refuse_if_over(campaign)
    return campaign


def _refuse_if_over(campaign: Campaign) -> None:
    if campaign.is_over:
        db.session.rollback()
        raise Refused(IS_OVER)
