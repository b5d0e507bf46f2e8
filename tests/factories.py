"""Rows for tests, with defaults for what the test does not care about. Each is committed."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from campaigns_app.accounts.models import Account, Membership, Role, User
from campaigns_app.accounts.passwords import hash_password
from campaigns_app.accounts.tokens import create_token
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.states import CampaignType
from campaigns_app.channels.templates import Template
from campaigns_app.contacts.models import Contact, ContactLabel, Label, Suppression
from campaigns_app.database.types import Base, utcnow
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Channel, Inbox, InboxTemplate, TemplateSync
from campaigns_app.inboxes.secrets import lock_secrets
from campaigns_app.webhooks.models import WebhookEndpoint

PASSWORD = "correct horse battery staple"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

Row = TypeVar("Row", bound=Base)

_numbers = count(1)


def make_account(**values: Any) -> Account:
    """An account with every feature on."""
    return _saved(Account(name=values.pop("name", f"Account {next(_numbers)}"), **values))


def make_user(
    account: Account, *, role: Role = Role.ADMINISTRATOR, password: str = PASSWORD, **values: Any
) -> User:
    """A member of the account, an administrator unless told otherwise."""
    number = next(_numbers)
    values = {"email": f"user{number}@example.com", "name": f"User {number}"} | values
    user = _saved(User(password_hash=hash_password(password), **values))
    join_account(user, account, role)
    return user


def join_account(user: User, account: Account, role: Role = Role.ADMINISTRATOR) -> Membership:
    """Make somebody a member of one more account."""
    return _saved(Membership(account_id=account.id, user_id=user.id, role=role))


def make_token(user: User, now: datetime | None = None, **values: Any) -> str:
    """An access token that acts as the user in their first account."""
    values = {"expires_at": None} | values
    return create_token(user.memberships[0], "Integration", now=now or utcnow(), **values).text


def make_label(account: Account, title: str | None = None) -> Label:
    """A label of the account."""
    return _saved(Label(account_id=account.id, title=title or f"label-{next(_numbers)}"))


def make_contact(account: Account, *labels: Label, **values: Any) -> Contact:
    """A contact of the account that carries the labels."""
    number = next(_numbers)
    values = {
        "name": f"Contact {number}",
        "email": f"contact{number}@example.com",
        "phone_number": f"+1415555{number:04d}",
    } | values
    contact = _saved(Contact(account_id=account.id, **values))
    for label in labels:
        _saved(ContactLabel(account_id=account.id, contact_id=contact.id, label_id=label.id))
    return contact


def make_suppression(account: Account, address: str | None, **values: Any) -> Suppression:
    """An address of the account that must not be messaged."""
    values = {"source": "manual"} | values
    return _saved(Suppression(account_id=account.id, address=address, **values))


def make_inbox(account: Account, *, inbox_type: str = "API", **values: Any) -> Inbox:
    """An inbox of the account with a channel of its own."""
    channel = _saved(Channel(account_id=account.id, type=inbox_type, settings={}))
    values = {"name": f"Inbox {next(_numbers)}"} | values
    return _saved(
        Inbox(account_id=account.id, channel_id=channel.id, inbox_type=inbox_type, **values)
    )


def set_up(inbox: Inbox, settings: dict[str, str], **secrets: str) -> Inbox:
    """The inbox with all that its channel needs; secrets want the fixture `keys`."""
    inbox.channel.settings, inbox.channel.secrets = settings, lock_secrets(secrets)
    db.session.commit()
    return inbox


def make_template(inbox: Inbox, text: str = "Hello {{1}}", **values: Any) -> Template:
    """An approved template of the inbox, whose list was fetched a moment ago."""
    values = {
        "name": "summer_sale",
        "language": "en_US",
        "status": "APPROVED",
        "category": "MARKETING",
        "components": [{"type": "BODY", "text": text}],
    } | values
    now = utcnow()
    db.session.merge(
        TemplateSync(
            inbox_id=inbox.id, tried_at=now, synced_at=now, due_at=now + timedelta(hours=1)
        )
    )
    return _saved(InboxTemplate(inbox_id=inbox.id, **values)).template


def make_endpoint(account: Account, **values: Any) -> WebhookEndpoint:
    """An endpoint that is told of everything campaigns do."""
    values = {
        "url": f"http://127.0.0.1:9/{next(_numbers)}",
        "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "subscriptions": ["conversation_created", "message_created"],
    } | values
    return _saved(WebhookEndpoint(account_id=account.id, **values))


def make_campaign(account: Account, *labels: Label, **values: Any) -> Campaign:
    """A campaign for those who carry the labels, long due, in an inbox of its own."""
    account.last_campaign_display_id += 1
    if "inbox_id" not in values:
        values["inbox_id"] = make_inbox(account).id
    values = {
        "display_id": account.last_campaign_display_id,
        "title": "Summer Promotion",
        "message": "Hello {{ contact.first_name }}",
        "campaign_type": CampaignType.ONE_OFF,
        "audience": [{"type": "Label", "id": label.id} for label in labels],
        "scheduled_at": LONG_AGO,
    } | values
    return _saved(Campaign(account_id=account.id, **values))


def _saved(row: Row) -> Row:
    db.session.add(row)
    db.session.commit()
    return row
