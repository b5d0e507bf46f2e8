"""Accounts full of made-up contacts, written as fast as the database takes them."""

import json
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.states import CampaignType
from campaigns_app.contacts.models import Contact, ContactLabel, Label
from campaigns_app.database.bulk import insert_rows, reserve_ids
from campaigns_app.database.copy_text import Row
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.models import Channel, Inbox
from campaigns_app.webhooks.events import EVENT_TYPES
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.signing import new_secret

MESSAGE = "Hello {{ contact.first_name }}, your plan is {{ contact.custom_attribute.plan }}."
ROWS_AT_ONCE = 1000


def make_due_campaign(session: Session, contacts: int) -> int:
    """An account with one label, `contacts` contacts who carry it, an API inbox, an endpoint that
    is told of both events, and a campaign that is due. Returns the campaign's id. Commits."""
    account = Account(name="Benchmark", last_campaign_display_id=1)
    session.add(account)
    session.flush()
    label = Label(account_id=account.id, title="everybody")
    channel = Channel(account_id=account.id, type="API", settings={})
    session.add_all([label, channel])
    session.flush()
    inbox = Inbox(account_id=account.id, channel_id=channel.id, inbox_type="API", name="Benchmark")
    endpoint = WebhookEndpoint(
        account_id=account.id,
        url="http://127.0.0.1:9/",
        secret=new_secret(),
        subscriptions=list(EVENT_TYPES),
    )
    session.add_all([inbox, endpoint])
    session.flush()
    campaign = Campaign(
        account_id=account.id,
        display_id=1,
        inbox_id=inbox.id,
        title="Benchmark",
        message=MESSAGE,
        campaign_type=CampaignType.ONE_OFF.value,
        audience=[{"type": "Label", "id": label.id}],
        scheduled_at=utcnow(),
    )
    session.add(campaign)
    session.commit()
    campaign_id = campaign.id
    make_contacts(session, account.id, label.id, contacts)
    return campaign_id


def make_contacts(
    session: Session, account_id: int, label_id: int, count: int, *, first: int = 0
) -> None:
    """Give the account `count` contacts, numbered from `first`, who carry the label. Commits."""
    for start in range(first, first + count, ROWS_AT_ONCE):
        size = min(ROWS_AT_ONCE, first + count - start)
        ids = reserve_ids(session, Contact, size)
        insert_rows(
            session,
            Contact,
            (
                *("id", "account_id", "name", "email", "phone_number", "identifier", "blocked"),
                *("custom_attributes", "additional_attributes", "created_at", "updated_at"),
            ),
            _contact_rows(account_id, ids, start),
        )
        insert_rows(
            session,
            ContactLabel,
            ("label_id", "contact_id", "account_id"),
            ((label_id, contact_id, account_id) for contact_id in ids),
        )
        session.commit()


def _contact_rows(account_id: int, ids: Sequence[int], start: int) -> Iterator[Row]:
    now, attributes = utcnow(), json.dumps({"plan": "pro"})
    for number, contact_id in enumerate(ids, start):
        yield (
            *(contact_id, account_id, f"Person Number{number}", f"person{number}@example.com"),
            *(f"+1555{number:07d}", f"p-{number}", False, attributes, "{}", now, now),
        )
