"""Writing events into the outbox, in the transaction of whatever they tell of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from campaigns_app.database.bulk import insert_rows, reserve_ids
from campaigns_app.database.random_ids import random_hex
from campaigns_app.webhooks.events import EVENT_TYPES
from campaigns_app.webhooks.models import (
    DeliveryState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

Subscribers = Mapping[str, tuple[int, ...]]
"""The ids of the endpoints to tell, by type of event; a type nobody wants is absent."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its type, and the JSON text that tells it."""

    type: str
    payload: str
    conversation_id: int | None = None
    campaign_id: int | None = None


def find_subscribers(session: Session, account_id: int, inbox_id: int) -> Subscribers:
    """Who is to be told of what happens in this inbox: the account's endpoints by their
    subscriptions, and the inbox's own endpoint of everything."""
    endpoints = session.scalars(
        select(WebhookEndpoint)
        .where(
            WebhookEndpoint.account_id == account_id,
            WebhookEndpoint.enabled,
            or_(WebhookEndpoint.inbox_id.is_(None), WebhookEndpoint.inbox_id == inbox_id),
        )
        .order_by(WebhookEndpoint.id)
    ).all()
    wanted = {
        event_type: tuple(
            endpoint.id
            for endpoint in endpoints
            if endpoint.inbox_id is not None or event_type in endpoint.subscriptions
        )
        for event_type in EVENT_TYPES
    }
    return {event_type: ids for event_type, ids in wanted.items() if ids}


def record_events(
    session: Session,
    account_id: int,
    events: Sequence[Event],
    subscribers: Subscribers,
    now: datetime,
) -> None:
    """Write `events` and a pending delivery to each of their subscribers; an event without any is
    not written. Does not commit, and does not ring the queue: that is for after the commit."""
    events = [event for event in events if event.type in subscribers]
    ids = reserve_ids(session, WebhookEvent, len(events))
    insert_rows(
        session,
        WebhookEvent,
        ("id", "campaign_id", "conversation_id", "uid", "type", "payload"),
        [
            (
                *(event_id, event.campaign_id, event.conversation_id),
                *(f"msg_{uid}", event.type, event.payload),
            )
            for event_id, event, uid in zip(ids, events, random_hex(len(events)), strict=True)
        ],
        same={"account_id": account_id, "created_at": now},
    )
    insert_rows(
        session,
        WebhookDelivery,
        ("event_id", "endpoint_id"),
        [
            (event_id, endpoint_id)
            for event_id, event in zip(ids, events, strict=True)
            for endpoint_id in subscribers[event.type]
        ],
        same={
            "account_id": account_id,
            "state": DeliveryState.PENDING.value,
            "attempts": 0,
            "fence": 0,
            "next_attempt_at": now,
            "created_at": now,
        },
    )
