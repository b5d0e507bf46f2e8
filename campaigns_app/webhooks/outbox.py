"""Writing events into the outbox, in the transaction of whatever they tell of."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from campaigns_app.database.bulk import insert_rows, reserve_ids
from campaigns_app.database.random_ids import sortable_hex
from campaigns_app.webhooks.batching import full_batches
from campaigns_app.webhooks.bundle_model import BUNDLED
from campaigns_app.webhooks.bundles import SMALLEST_BUNDLE, write_bundles
from campaigns_app.webhooks.events import CONVERSATION_EVENTS
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from campaigns_app.webhooks.states import DeliveryState

Subscribers = Mapping[str, tuple[int, ...]]
"""The ids of the endpoints to tell, by type of event; a type nobody wants is absent."""

TOLD = "webhook_events_told"
"""The mark of a session in whose transaction something was told: see `hooks`."""


class Event(NamedTuple):
    """Something that happened: its type, and the JSON text that tells it."""

    type: str
    payload: str
    conversation_id: int | None = None
    campaign_id: int | None = None


def find_subscribers(
    session: Session,
    account_id: int,
    inbox_id: int | None = None,
    event_types: Collection[str] = CONVERSATION_EVENTS,
) -> Subscribers:
    """Who is to be told of `event_types`: the account's endpoints by their subscriptions, and of
    what happens in the inbox `inbox_id` its own endpoint, whatever its subscriptions."""
    whose = or_(WebhookEndpoint.inbox_id.is_(None), WebhookEndpoint.inbox_id == inbox_id)
    endpoints = session.execute(
        select(WebhookEndpoint.id, WebhookEndpoint.inbox_id, WebhookEndpoint.subscriptions)
        .where(WebhookEndpoint.account_id == account_id, WebhookEndpoint.enabled, whose)
        .order_by(WebhookEndpoint.id)
    ).all()
    wanted = {
        event_type: tuple(
            endpoint.id
            for endpoint in endpoints
            if (endpoint.inbox_id is not None and event_type in CONVERSATION_EVENTS)
            or event_type in endpoint.subscriptions
        )
        for event_type in event_types
    }
    return {event_type: ids for event_type, ids in wanted.items() if ids}


def tell(
    session: Session,
    account_id: int,
    event_types: Collection[str],
    read_events: Callable[[], Iterable[Event]],
    now: datetime,
    *,
    inbox_id: int | None = None,
) -> None:
    """Write the events of these types that `read_events` returns, which is not asked where nobody
    wants them; `inbox_id` is where they happened. The queue is rung once the caller has committed.
    Does not commit."""
    subscribers = find_subscribers(session, account_id, inbox_id, event_types)
    if subscribers:
        record_events(session, account_id, list(read_events()), subscribers, now)
        session.info[TOLD] = True


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
    numbered = list(zip(ids, events, strict=True))
    insert_rows(
        session,
        WebhookEvent,
        ("id", "campaign_id", "conversation_id", "uid", "type", "payload"),
        [
            (
                *(event_id, event.campaign_id, event.conversation_id),
                *(f"msg_{uid}", event.type, event.payload),
            )
            for (event_id, event), uid in zip(numbered, sortable_hex(len(events)), strict=True)
        ],
        same={"account_id": account_id, "created_at": now},
    )
    bundled = _bundle(session, account_id, numbered, subscribers, now)
    told = [
        (event_id, endpoint_id)
        for event_id, event in numbered
        for endpoint_id in subscribers[event.type]
    ]
    insert_rows(
        session,
        WebhookDelivery,
        ("event_id", "endpoint_id"),
        [one for one in told if one not in bundled] if bundled else told,
        same=_as_waiting(now) | {"account_id": account_id},
    )


def _bundle(
    session: Session,
    account_id: int,
    numbered: Sequence[tuple[int, Event]],
    subscribers: Subscribers,
    now: datetime,
) -> Set[tuple[int, int]]:
    """Write the deliveries that make up full batches; returns the events and the endpoints that
    are seen to."""
    if len(numbered) < SMALLEST_BUNDLE:
        return frozenset()
    endpoint_ids = {endpoint_id for ids in subscribers.values() for endpoint_id in ids}
    batches: list[tuple[int, list[int]]] = []
    for endpoint_id, size in _batch_sizes(session, endpoint_ids).items():
        mine = [
            (event_id, event.conversation_id, len(event.payload))
            for event_id, event in numbered
            if endpoint_id in subscribers[event.type]
        ]
        batches += [(endpoint_id, batch) for batch in full_batches(mine, size)]
    rows = [
        (event_id, endpoint_id, bundle_id)
        for bundle_id, (endpoint_id, batch) in zip(
            write_bundles(session, batches, now), batches, strict=True
        )
        for event_id in batch
    ]
    same = _as_waiting(now) | {"account_id": account_id, "state": BUNDLED}
    insert_rows(session, WebhookDelivery, ("event_id", "endpoint_id", "bundle_id"), rows, same=same)
    return {(event_id, endpoint_id) for event_id, endpoint_id, _ in rows}


def _batch_sizes(session: Session, endpoint_ids: Collection[int]) -> dict[int, int]:
    """How many events those of the endpoints want at once that want many."""
    wanting = select(WebhookEndpoint.id, WebhookEndpoint.batch_size).where(
        WebhookEndpoint.id.in_(endpoint_ids), WebhookEndpoint.batch_size >= SMALLEST_BUNDLE
    )
    return dict(session.execute(wanting.order_by(WebhookEndpoint.id)).all())


def _as_waiting(now: datetime) -> dict[str, object]:
    """A delivery that is due and was not attempted yet."""
    return {
        "state": DeliveryState.PENDING.value,
        "attempts": 0,
        "next_attempt_at": now,
        "created_at": now,
    }
