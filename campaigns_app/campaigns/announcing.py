"""What endpoints are told of a campaign: that it started, finished, was paused or cancelled, and
what became of a recipient. In the transaction in which it happens, and at the cost of one query
where nobody wants to know."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Protocol

from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import count_states
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.database.types import utcnow
from campaigns_app.webhooks.campaign_events import (
    RecipientChange,
    ToldCampaign,
    record_campaign_event,
    record_recipient_events,
)


class Recorded(Protocol):
    """What became of one recipient, as a ledger has just written it."""

    @property
    def contact_id(self) -> int:
        """Who it was."""

    @property
    def state(self) -> RecipientState:
        """What they are in now."""

    @property
    def reason(self) -> str | None:
        """Why."""

    @property
    def error(self) -> str | None:
        """In the words of who refused."""


def announce(session: Session, campaign: Campaign, event_type: str) -> None:
    """Tell `event_type`, one of `CAMPAIGN_EVENTS`, of the campaign as it is now.

    Does not commit.
    """
    record_campaign_event(
        session, campaign.account_id, event_type, lambda: _told(session, campaign), utcnow()
    )


def announce_recipients(
    session: Session, account_id: int, campaign_id: int, changes: Sequence[RecipientChange]
) -> None:
    """Tell what became of some of the campaign's recipients. Does not commit."""
    if not changes:
        return
    record_recipient_events(
        session,
        account_id,
        changes,
        lambda: _told(session, session.get_one(Campaign, campaign_id)),
        utcnow(),
    )


def announce_failures(
    session: Session, account_id: int, campaign_id: int, outcomes: Iterable[Recorded]
) -> None:
    """Tell of those among the outcomes who failed. Does not commit."""
    failed = [
        RecipientChange(one.contact_id, one.state.value, one.state.value, one.reason, one.error)
        for one in outcomes
        if one.state is RecipientState.FAILED
    ]
    announce_recipients(session, account_id, campaign_id, failed)


def _told(session: Session, campaign: Campaign) -> ToldCampaign:
    session.flush()
    return ToldCampaign(
        id=campaign.id,
        display_id=campaign.display_id,
        title=campaign.title,
        account={"id": campaign.account.id, "name": campaign.account.name},
        inbox={"id": campaign.inbox.id, "name": campaign.inbox.name},
        phase=campaign.phase.value,
        scheduled_at=campaign.scheduled_at,
        started_at=campaign.started_at,
        finished_at=campaign.finished_at,
        counts=asdict(count_states(campaign.id)),
    )
