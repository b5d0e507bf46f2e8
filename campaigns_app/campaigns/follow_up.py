"""Running a campaign again, for some of its recipients or for whom it has missed: a follow-up
campaign that is linked to the first."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.doubles import Submission, find_answered
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.funnel import count_funnel
from campaigns_app.campaigns.models import TITLE_LENGTH, Campaign, CampaignBatch
from campaigns_app.campaigns.report import count_states
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.service import create_campaign, get_campaign
from campaigns_app.campaigns.states import Follows
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import Refused
from campaigns_app.extensions import db

NOT_OVER = "The campaign is not over; it can be run again when it has finished or is cancelled"
NOBODY = "The campaign has nobody left who is {follows}"
NOT_THE_FIRST = "Who is new is told from the first campaign; run that one again, not its follow-up"

CHANGEABLE = frozenset(
    {"title", "message", "template_params", "description", "inbox_id", "sender_id", "enabled"}
    | {"scheduled_at"}
)
"""What a follow-up may have otherwise than its campaign."""


def run_again(
    account: Account,
    display_id: int,
    follows: Follows,
    changes: Mapping[str, Any],
    *,
    actor: User | None,
    now: datetime,
    submission: Submission | None = None,
) -> Campaign:
    """Make a follow-up of a campaign that is over, at once unless `changes` say when; they have
    values by the names of a draft.

    Raises `NotFound`, `InvalidInput`, `Refused` where there is nobody to run it again for, and
    `AlreadyMade` while a follow-up for the same has not finished. Commits.
    """
    campaign = get_campaign(account.id, display_id)
    made = find_answered(db.session(), account.id, submission) if submission else None
    if made is not None:
        return made
    check_can_run_again(campaign, follows)
    draft = replace(
        draft_follow_up(campaign, follows),
        **{name: changes[name] for name in CHANGEABLE & set(changes)},
    )
    return create_campaign(account, draft, actor=actor, now=now, submission=submission)


def check_can_run_again(campaign: Campaign, follows: Follows) -> None:
    """Raise `Refused`, with the reason, where the campaign cannot be run again for these."""
    reason = _reason_against(campaign, follows)
    if reason is not None:
        raise Refused(reason)


def draft_follow_up(campaign: Campaign, follows: Follows) -> CampaignDraft:
    """The follow-up as it is when nothing is changed about it, to start now."""
    ending = f" (again: {follows})"
    return CampaignDraft(
        title=campaign.title[: TITLE_LENGTH - len(ending)] + ending,
        message=campaign.message,
        description=campaign.description,
        inbox_id=campaign.inbox_id,
        sender_id=campaign.sender_id,
        audience=campaign.audience,
        template_params=campaign.template_params,
        scheduled_at=None,
        follows_id=campaign.id,
        follows=follows.value,
    )


def count_candidates(campaign: Campaign) -> dict[Follows, int]:
    """How many people each way of running the campaign again is for, before those who must not be
    written to are left out; those who are new are counted now, and without them."""
    counts = {follows: count_left(campaign, follows) for follows in Follows if follows != "new"}
    if campaign.follows_id is None:
        counts[Follows.NEW] = _count_new(campaign)
    return counts


def count_left(campaign: Campaign, follows: Follows) -> int:
    """How many of the campaign's recipients are in the state that `follows` names, and were taken
    on by no follow-up yet; from counters."""
    taken = db.session.scalar(
        select(func.sum(CampaignBatch.total - CampaignBatch.cancelled))
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .where(Campaign.follows_id == campaign.id, Campaign.follows == follows.value)
    )
    left = getattr(count_states(campaign.id), follows) - int(taken or 0)
    return int(max(0, left))


def list_follow_ups(campaign: Campaign) -> list[Campaign]:
    """The campaign's follow-ups, the oldest first."""
    return list(
        db.session.scalars(
            select(Campaign).where(Campaign.follows_id == campaign.id).order_by(Campaign.id)
        )
    )


def _reason_against(campaign: Campaign, follows: Follows) -> str | None:
    if not campaign.is_over:
        return NOT_OVER
    if follows is Follows.NEW:
        return NOT_THE_FIRST if campaign.follows_id is not None else None
    return None if count_left(campaign, follows) else NOBODY.format(follows=follows)


def _count_new(campaign: Campaign) -> int:
    if campaign.inbox.inbox_type not in get_channels():
        return 0
    selection = Selection(
        campaign.account_id, tuple(campaign.label_ids), campaign.id, Follows.NEW.value
    )
    channel = get_channels().get(campaign.inbox.inbox_type)
    return count_funnel(db.session(), matched_contacts(selection), channel).will_send
