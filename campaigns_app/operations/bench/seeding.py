"""Accounts full of made-up contacts, written by the database itself, the same ones every time."""

from sqlalchemy import Integer, Select, String, case, cast, func, insert, literal, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.states import CampaignType
from campaigns_app.contacts.models import Contact, ContactLabel, Label
from campaigns_app.database.bulk import refresh_statistics
from campaigns_app.database.types import Json, utcnow
from campaigns_app.inboxes.models import Channel, Inbox
from campaigns_app.webhooks.events import OPENING_EVENTS
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.signing import new_secret

SEED = 20_261
"""What the contacts' plans, and who carries the label, are drawn from."""

MESSAGE = "Hello {{ contact.first_name }}, your plan is {{ contact.custom_attribute.plan }}."
NOWHERE = "http://127.0.0.1:9/"
PLANS = ("basic", "pro", "enterprise")
FIRST_PHONE_NUMBER = 2_025_000_000


def make_due_campaign(
    session: Session, contacts: int, *, every: int = 1, endpoint_url: str = NOWHERE
) -> int:
    """An account with one label, `contacts` contacts of whom one in `every` carries it, an API
    inbox, an endpoint that is told of both events, and a campaign that is due.

    Returns the campaign's id. Commits.
    """
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
        url=endpoint_url,
        secret=new_secret(),
        subscriptions=list(OPENING_EVENTS),
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
    session.flush()
    campaign_id = campaign.id
    make_contacts(session, account.id, label.id, contacts, every=every)
    refresh_statistics(session, Contact, ContactLabel)
    session.commit()
    return campaign_id


def make_contacts(
    session: Session, account_id: int, label_id: int, count: int, *, first: int = 0, every: int = 1
) -> None:
    """Give the account `count` contacts, numbered from `first`, of whom one in `every` carries the
    label. Nobody else may be adding contacts. Commits."""
    last_id = session.scalar(select(func.max(Contact.id))) or 0
    columns = (
        *("account_id", "name", "email", "phone_number", "identifier", "blocked"),
        *("custom_attributes", "additional_attributes", "created_at", "updated_at"),
    )
    session.execute(
        insert(Contact).from_select(
            list(columns), _contact_rows(account_id, first, count), include_defaults=False
        )
    )
    _label_contacts(session, account_id, label_id, last_id, every)
    session.commit()


def _contact_rows(account_id: int, first: int, count: int) -> Select[*tuple[object, ...]]:
    numbers = select(literal(first + 1, Integer).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < first + count))
    number = cast(numbers.c.n, String)
    # A product with a prime spreads neighbours; small enough for an integer of four bytes.
    drawn = (numbers.c.n % 1009 * 7919 + SEED) % len(PLANS)
    plans = {place: literal({"plan": plan}, Json) for place, plan in enumerate(PLANS)}
    now = literal(utcnow(), Contact.created_at.type)
    return select(
        literal(account_id),
        literal("Person Number") + number,
        literal("person") + number + "@example.com",
        literal("+1") + cast(numbers.c.n + FIRST_PHONE_NUMBER, String),
        literal("p-") + number,
        literal(False),
        case(plans, value=drawn),
        literal({}, Json),
        now,
        now,
    )


def _label_contacts(
    session: Session, account_id: int, label_id: int, after_id: int, every: int
) -> None:
    labelled = select(literal(label_id), Contact.id, Contact.account_id).where(
        Contact.account_id == account_id,
        Contact.id > after_id,
        (Contact.id + SEED) % every == 0,
    )
    session.execute(
        insert(ContactLabel).from_select(
            ["label_id", "contact_id", "account_id"], labelled.order_by(Contact.id)
        )
    )
