"""A database that lets anything in, with a history in it in which every promise was kept."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import ForeignKeyConstraint, MetaData, UniqueConstraint, create_engine, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import CampaignStatus, RecipientState
from campaigns_app.contacts.models import Contact, ContactLabel
from campaigns_app.conversations.models import ContactInbox, Conversation, Message, MessageType
from campaigns_app.database.types import Base
from campaigns_app.operations.crashtest.history import History
from campaigns_app.operations.demo.receiver import Webhook
from campaigns_app.webhooks.events import OPENING_EVENTS
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEvent
from campaigns_app.webhooks.states import DeliveryState
from tests.conftest import DATABASES
from tests.factories import LONG_AGO

ACCOUNT = INBOX = ENDPOINT = LABEL = 1
OTHER_LABEL = 2
CAMPAIGNS = 2
REACHABLE = (1, 2, 3)
BLOCKED = 4
OUTSIDER = 5


@pytest.fixture(params=DATABASES)
def damageable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """The schema without the constraints that would keep damage out of it."""
    url = f"sqlite:///{tmp_path / 'damaged.sqlite3'}"
    if request.param == "postgresql":
        make_database: Callable[[], str] = request.getfixturevalue("postgres")
        url = make_database().replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url)
    _schema_without_constraints().create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def history(damageable: Session) -> History:
    """Two campaigns for three contacts and a blocked one; a fifth is outside the audience."""
    for contact_id in (*REACHABLE, BLOCKED, OUTSIDER):
        label = OTHER_LABEL if contact_id == OUTSIDER else LABEL
        damageable.add(Contact(id=contact_id, account_id=ACCOUNT, blocked=contact_id == BLOCKED))
        damageable.add(ContactLabel(account_id=ACCOUNT, contact_id=contact_id, label_id=label))
    damageable.flush()
    for contact_id in REACHABLE:
        add_contact_inbox(damageable, contact_id, contact_id=contact_id)
    for campaign_id in range(1, CAMPAIGNS + 1):
        _add_campaign(damageable, campaign_id)
    damageable.commit()
    arrivals = dict.fromkeys(outbox(damageable), 1)
    return History(LABEL, CAMPAIGNS, arrivals, arrivals, 0)


def outbox(session: Session) -> list[Webhook]:
    """The webhooks of all events, as they arrive."""
    events = session.scalars(select(WebhookEvent))
    return [Webhook.of(event.uid, event.payload.encode()) for event in events]


def add_conversation(session: Session, campaign_id: int, contact_id: int) -> None:
    """What the engine writes for a recipient, beside the ledger."""
    conversation = Conversation(
        account_id=ACCOUNT,
        inbox_id=INBOX,
        contact_id=contact_id,
        contact_inbox_id=contact_id,
        campaign_id=campaign_id,
        display_id=campaign_id * 100 + contact_id,
    )
    session.add(conversation)
    session.flush()
    add_message(session, conversation.id)
    for event_type in OPENING_EVENTS:
        add_event(session, conversation.id, event_type)


def add_message(session: Session, conversation_id: int) -> None:
    """One message of the conversation."""
    session.add(
        Message(
            account_id=ACCOUNT,
            inbox_id=INBOX,
            conversation_id=conversation_id,
            content="Hello",
            message_type=MessageType.OUTGOING.value,
        )
    )


def add_event(session: Session, conversation_id: int, event_type: str, copy: int = 1) -> None:
    """An event, delivered."""
    event = WebhookEvent(
        account_id=ACCOUNT,
        conversation_id=conversation_id,
        uid=f"msg_{event_type}_{conversation_id}_{copy}",
        type=event_type,
        payload=json.dumps({"event": event_type, "id": conversation_id}),
    )
    session.add(event)
    session.flush()
    session.add(
        WebhookDelivery(
            account_id=ACCOUNT,
            event_id=event.id,
            endpoint_id=ENDPOINT,
            state=DeliveryState.DELIVERED.value,
        )
    )


def add_recipient(session: Session, campaign_id: int, contact_id: int, state: str) -> None:
    """A row of the ledger."""
    session.add(
        CampaignRecipient(
            account_id=ACCOUNT, campaign_id=campaign_id, contact_id=contact_id, state=state
        )
    )


def add_contact_inbox(session: Session, row_id: int, *, contact_id: int) -> None:
    """A contact as the inbox knows it."""
    session.add(
        ContactInbox(id=row_id, contact_id=contact_id, inbox_id=INBOX, source_id=f"source-{row_id}")
    )
    session.flush()


def _add_campaign(session: Session, campaign_id: int) -> None:
    session.add(
        Campaign(
            id=campaign_id,
            account_id=ACCOUNT,
            display_id=campaign_id,
            inbox_id=INBOX,
            title="Summer",
            message="Hello",
            campaign_status=CampaignStatus.COMPLETED.value,
            started_at=LONG_AGO,
            finished_at=LONG_AGO,
        )
    )
    session.add(
        CampaignBatch(
            campaign_id=campaign_id,
            first_contact_id=min(REACHABLE),
            last_contact_id=BLOCKED,
            total=len(REACHABLE) + 1,
            sent=len(REACHABLE),
            skipped=1,
            finished_at=LONG_AGO,
        )
    )
    for contact_id in REACHABLE:
        add_recipient(session, campaign_id, contact_id, RecipientState.SENT)
        add_conversation(session, campaign_id, contact_id)
    add_recipient(session, campaign_id, BLOCKED, RecipientState.SKIPPED)


def _schema_without_constraints() -> MetaData:
    schema = MetaData()
    for table in Base.metadata.sorted_tables:
        copy = table.to_metadata(schema)
        copy.constraints -= {
            constraint
            for constraint in copy.constraints
            if isinstance(constraint, ForeignKeyConstraint | UniqueConstraint)
        }
        copy.indexes.clear()
    return schema
