"""Situations that the tests of webhooks begin with and look at."""

from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.webhooks.claiming import Room, claim_block
from campaigns_app.webhooks.events import CONVERSATION_CREATED, MESSAGE_CREATED
from campaigns_app.webhooks.models import (
    WebhookAttempt,
    WebhookBlock,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from campaigns_app.webhooks.opening import Opened, Opening
from campaigns_app.webhooks.outbox import Event, record_events
from campaigns_app.webhooks.sending import ClaimedDelivery
from tests.factories import LONG_AGO

OPENING = Opening(
    account={"id": 1, "name": "Acme"},
    inbox={"id": 2, "name": "Shop"},
    channel="Channel::Api",
    sender=None,
    campaign_id=7,
    at=LONG_AGO,
)
OPENED = Opened(
    contact={
        "id": 3,
        "name": "Jürgen",
        "email": None,
        "phone_number": "+14155550001",
        "identifier": None,
        "blocked": False,
        "custom_attributes": {},
        "additional_attributes": {},
    },
    contact_inbox_id=4,
    source_id="source",
    contact_inbox_created_at=LONG_AGO,
    conversation_id=5,
    message_id=6,
    content="Grüße",
)
PAYLOADS = OPENING.payloads(OPENED)
PAYLOAD = PAYLOADS[CONVERSATION_CREATED]


def tell(session: Session, *endpoints: WebhookEndpoint, conversations: int = 1) -> None:
    """Two events for each of so many conversations, due a second ago."""
    ids = tuple(endpoint.id for endpoint in endpoints)
    events = [
        Event(event_type, PAYLOADS[event_type], conversation_id)
        for conversation_id in range(1, conversations + 1)
        for event_type in (CONVERSATION_CREATED, MESSAGE_CREATED)
    ]
    subscribers = {CONVERSATION_CREATED: ids, MESSAGE_CREATED: ids}
    now = utcnow() - timedelta(seconds=1)
    record_events(session, endpoints[0].account_id, events, subscribers, now)
    session.commit()


def tell_once(session: Session, endpoint: WebhookEndpoint) -> None:
    """One event, due a second ago."""
    subscribers = {CONVERSATION_CREATED: (endpoint.id,)}
    now = utcnow() - timedelta(seconds=1)
    event = Event(CONVERSATION_CREATED, PAYLOAD, 1)
    record_events(session, endpoint.account_id, [event], subscribers, now)
    session.commit()


def claim(session: Session, owner: str, limit: int) -> list[ClaimedDelivery]:
    """What a worker with so much room takes."""
    room = Room(total=limit, usual=limit)
    return claim_block(session, owner, room, lease_seconds=60).deliveries


def states(session: Session, endpoint: WebhookEndpoint) -> list[str]:
    """The states of the endpoint's deliveries, oldest first."""
    session.expire_all()
    mine = select(WebhookDelivery.state).where(WebhookDelivery.endpoint_id == endpoint.id)
    return list(session.scalars(mine.order_by(WebhookDelivery.id)))


def only_delivery(session: Session) -> WebhookDelivery:
    """The one delivery there is."""
    session.expire_all()
    return session.scalars(select(WebhookDelivery)).one()


def only_attempt(session: Session) -> WebhookAttempt:
    """The one attempt there was."""
    return session.scalars(select(WebhookAttempt)).one()


def attempt_count(session: Session) -> int:
    """How many attempts were written down."""
    return session.scalar(select(func.count()).select_from(WebhookAttempt)) or 0


def only_event(session: Session) -> WebhookEvent:
    """The one event there is."""
    return session.scalars(select(WebhookEvent)).one()


def let_leases_expire(session: Session) -> None:
    """As if everybody who holds a delivery had been dead for a minute."""
    past = utcnow() - timedelta(seconds=1)
    session.execute(update(WebhookBlock).values(lease_expires_at=past))
    session.commit()
