"""Campaigns, inboxes and agents as the API shows them: Chatwoot's keys, and a few of ours.

Instants of a campaign's life are whole Unix seconds, those of its row ISO 8601, as Chatwoot has
them. Nothing here is secret: a channel's `secrets` and every token and key are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaigns_app.accounts.models import Membership, User
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import Counts
from campaigns_app.campaigns.states import CampaignStatus, CampaignType
from campaigns_app.channels.registry import get_channels
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Inbox

Roles = Mapping[int, str]
"""What the senders may do in the account, by their ids."""

FEATURES_OF_OTHERS: Mapping[str, Any] = {
    "avatar_url": "",
    "greeting_enabled": False,
    "greeting_message": None,
    "working_hours_enabled": False,
    "enable_email_collect": False,
    "csat_survey_enabled": False,
    "csat_config": {},
    "enable_auto_assignment": False,
    "auto_assignment_config": {},
    "out_of_office_message": None,
    "working_hours": [],
    "callback_webhook_url": None,
    "allow_messages_after_resolved": True,
    "lock_to_single_conversation": False,
    "sender_name_type": "friendly",
    "business_name": None,
}
"""What Chatwoot's inboxes can do and ours cannot: keys that its clients may read."""


def find_roles(account_id: int, campaigns: Sequence[Campaign]) -> Roles:
    """The roles of the campaigns' senders, in one query."""
    senders = {campaign.sender_id for campaign in campaigns if campaign.sender_id is not None}
    rows = db.session.execute(
        select(Membership.user_id, Membership.role).where(
            Membership.account_id == account_id, Membership.user_id.in_(senders)
        )
    )
    return {row.user_id: row.role for row in rows}


def campaign_object(campaign: Campaign, counts: Counts, roles: Roles) -> dict[str, Any]:
    """A campaign. Needs its inbox, channel, account and sender; loads those that are not there."""
    shown = {
        "id": campaign.display_id,
        "title": campaign.title,
        "description": campaign.description,
        "account_id": campaign.account_id,
        "inbox": inbox_object(campaign.inbox),
        "sender": _agent_object(campaign, campaign.sender, roles) if campaign.sender else {},
        "message": campaign.message,
        "template_params": campaign.template_params,
        "campaign_status": CampaignStatus(campaign.campaign_status).name.lower(),
        "enabled": campaign.enabled,
        "campaign_type": CampaignType(campaign.campaign_type).name.lower(),
    }
    if campaign.campaign_type == CampaignType.ONE_OFF:
        shown |= {
            "scheduled_at": unix_time(campaign.scheduled_at),
            "audience": campaign.audience,
            "phase": campaign.phase.value,
            "pause_reason": campaign.pause_reason,
            "counts": asdict(counts),
            "started_at": unix_time(campaign.started_at),
            "finished_at": unix_time(campaign.finished_at),
            "follows": _follows_object(campaign),
        }
    return shown | {
        "trigger_rules": campaign.trigger_rules,
        "trigger_only_during_business_hours": campaign.trigger_only_during_business_hours,
        "created_at": _iso(campaign.created_at),
        "updated_at": _iso(campaign.updated_at),
    }


def _follows_object(campaign: Campaign) -> dict[str, Any] | None:
    """Which campaign a follow-up runs again, None once that is deleted, and for whom."""
    if campaign.follows is None:
        return None
    first = campaign.followed
    return {"id": first.display_id if first else None, "for": campaign.follows}


def inbox_object(inbox: Inbox) -> dict[str, Any]:
    """An inbox with the settings of its channel that may be shown."""
    channel = get_channels().get(inbox.inbox_type)
    settings = {
        setting.name: inbox.channel.settings.get(setting.name)
        for setting in channel.settings
        if not setting.secret
    }
    return {
        "id": inbox.id,
        "channel_id": inbox.channel_id,
        "name": inbox.name,
        "channel_type": channel.webhook_name,
        "inbox_type": inbox.inbox_type,
        "timezone": inbox.account.time_zone,
        "additional_attributes": {},
        **FEATURES_OF_OTHERS,
        **settings,
    }


def _agent_object(campaign: Campaign, sender: User, roles: Roles) -> dict[str, Any]:
    return {
        "id": sender.id,
        "account_id": campaign.account_id,
        "availability_status": "offline",
        "auto_offline": True,
        "confirmed": True,
        "email": sender.email,
        "provider": "email",
        "available_name": sender.name,
        "name": sender.name,
        "role": roles.get(sender.id),
        "thumbnail": "",
    }


def unix_time(at: datetime | None) -> int | None:
    """An instant in whole seconds; None stays None."""
    return None if at is None else int(at.timestamp())


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
