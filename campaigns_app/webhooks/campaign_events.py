"""Telling what becomes of campaigns and of their recipients.

The shapes are ours: Chatwoot tells nothing of campaigns. Whole Unix seconds and `display_id`s, as
the API shows them; payloads are thin, the rest is asked for under `/api/v1/campaigns/{id}`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from campaigns_app.webhooks.events import RECIPIENT_UPDATED, iso, to_json
from campaigns_app.webhooks.outbox import Event, tell


@dataclass(frozen=True, slots=True)
class ToldCampaign:
    """A campaign at the moment it is told of; plain values, by column name where a mapping.

    `display_id` is its number outside the database, `counts` are recipients by their state.
    """

    id: int
    display_id: int
    title: str
    account: Mapping[str, Any]
    inbox: Mapping[str, Any]
    phase: str
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RecipientChange:
    """What became of one recipient: `change` is `delivered`, `read`, `failed` or `replied`, and
    `state` the one that the ledger has now."""

    contact_id: int
    change: str
    state: str
    reason: str | None = None
    error: str | None = None
    provider_message_id: str | None = None


def record_campaign_event(
    session: Session,
    account_id: int,
    event_type: str,
    read_campaign: Callable[[], ToldCampaign],
    now: datetime,
) -> None:
    """Tell that a campaign started, finished, was paused or was cancelled.

    `read_campaign` is not asked where nobody wants to know. Does not commit.
    """

    def events() -> Iterable[Event]:
        campaign = read_campaign()
        payload = {
            "account": dict(campaign.account),
            "campaign": {
                "id": campaign.display_id,
                "title": campaign.title,
                "inbox": dict(campaign.inbox),
                "phase": campaign.phase,
                "scheduled_at": _unix(campaign.scheduled_at),
                "started_at": _unix(campaign.started_at),
                "finished_at": _unix(campaign.finished_at),
                "counts": dict(campaign.counts),
            },
            "occurred_at": iso(now),
            "event": event_type,
        }
        yield Event(event_type, to_json(payload), campaign_id=campaign.id)

    tell(session, account_id, (event_type,), events, now)


def record_recipient_events(
    session: Session,
    account_id: int,
    changes: Iterable[RecipientChange],
    read_campaign: Callable[[], ToldCampaign],
    now: datetime,
) -> None:
    """Tell what became of some of a campaign's recipients, an event for each.

    `read_campaign` is not asked where nobody wants to know. Does not commit.
    """

    def events() -> Iterable[Event]:
        campaign = read_campaign()
        told = {
            "account": dict(campaign.account),
            "campaign": {"id": campaign.display_id, "title": campaign.title},
            "inbox": dict(campaign.inbox),
        }
        for change in changes:
            payload = {
                **told,
                "change": change.change,
                "recipient": _recipient_object(change),
                "occurred_at": iso(now),
                "event": RECIPIENT_UPDATED,
            }
            yield Event(RECIPIENT_UPDATED, to_json(payload), campaign_id=campaign.id)

    tell(session, account_id, (RECIPIENT_UPDATED,), events, now)


def _recipient_object(change: RecipientChange) -> dict[str, Any]:
    return {
        "contact_id": change.contact_id,
        "state": change.state,
        "reason": change.reason,
        "error": change.error,
        "provider_message_id": change.provider_message_id,
    }


def _unix(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
