"""Stopping what is taken, and refused afterwards for what concerns all messages of an inbox, or of
a campaign.

A carrier that takes an inbox for a sender of spam says so in callbacks; whoever goes on sending
makes it worse. So what halts an inbox, or pauses a campaign, as the answer to a call does so as a
callback, too, after as many in a row.
"""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.receipt_matching import Told
from campaigns_app.campaigns.refusals import MOST_IN_A_ROW, RefusalsInARow, stop_what_is_refused
from campaigns_app.channels.provider import (
    AccountPause,
    CampaignPause,
    EventKind,
    Outcome,
    ProviderChannel,
    ProviderEvent,
)
from campaigns_app.inboxes.callbacks import event_of
from campaigns_app.inboxes.models import ProviderEvent as KeptEvent

ENDS = (EventKind.DELIVERED, EventKind.READ, EventKind.FAILED)
"""How a message can end; that it was sent on says nothing of the account."""

LOOKED_BACK = 10_000
"""Of so many events before, of all inboxes, the last of the inbox or the campaign are taken."""


def stop_what_callbacks_refuse(session: Session, told: Sequence[Told]) -> None:
    """Halt each inbox, and pause each campaign, of which the last messages told of, since somebody
    last changed or resumed it, were all refused on its account. `told` are events that were just
    marked as processed. One query where some were refused so, and two for each campaign of
    theirs. Does not commit."""
    channels = {one.inbox_id: one.channel for one in told if one.channel is not None}
    refused = [
        one.id
        for one in told
        if one.inbox_id in channels and _outcome(one.event, channels[one.inbox_id]) is not None
    ]
    if not refused:
        return
    last_ends = _last_ends(max(one.id for one in told))
    for campaign in session.scalars(_campaigns_of(refused)).all():
        channel, inbox = channels[campaign.inbox_id], campaign.inbox
        # By no index on inboxes or campaigns: that would read all their events of many days.
        of_inbox = last_ends.where(
            KeptEvent.inbox_id + 0 == inbox.id, KeptEvent.received_at > inbox.updated_at
        )
        of_campaign = last_ends.where(
            CampaignRecipient.campaign_id + 0 == campaign.id,
            KeptEvent.received_at > campaign.updated_at,
        )
        for kind, ends in ((AccountPause, of_inbox), (CampaignPause, of_campaign)):
            reason = _reason_to_stop(session.scalars(ends).all(), channel)
            if isinstance(reason, kind):
                stop_what_is_refused(session, inbox.id, campaign.id, reason)


def _campaigns_of(event_ids: Sequence[int]) -> Select[Campaign]:
    theirs = (
        select(CampaignRecipient.campaign_id)
        .join(KeptEvent, KeptEvent.recipient_id == CampaignRecipient.id)
        .where(KeptEvent.id.in_(event_ids))
    )
    return select(Campaign).where(Campaign.id.in_(theirs)).order_by(Campaign.id)


def _last_ends(newest: int) -> Select[KeptEvent]:
    return (
        select(KeptEvent)
        .join(CampaignRecipient, CampaignRecipient.id == KeptEvent.recipient_id)
        .where(
            KeptEvent.id.between(newest - LOOKED_BACK, newest),
            KeptEvent.kind.in_([kind.value for kind in ENDS]),
        )
        .order_by(KeptEvent.id.desc())
        .limit(MOST_IN_A_ROW)
    )


def _reason_to_stop(ends: Sequence[KeptEvent], channel: ProviderChannel) -> Outcome | None:
    """Why all of these messages, the last first, were refused."""
    refusals = RefusalsInARow()
    for end in reversed(ends):
        refusals.note(_outcome(event_of(end), channel))
    return refusals.reason_to_stop


def _outcome(event: ProviderEvent, channel: ProviderChannel) -> Outcome | None:
    """The refusal on the inbox's or the campaign's account that the event tells of."""
    verdict = channel.verdicts.get(event.code or "")
    if event.kind is not EventKind.FAILED or verdict is None:
        return None
    is_nobodys_own = verdict.kind in (AccountPause, CampaignPause)
    return verdict.outcome(event.code) if is_nobodys_own else None
