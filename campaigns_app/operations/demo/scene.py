"""What the demonstration sets up before its campaign: an account, contacts, an inbox, an endpoint.

All of it through the services that the web page uses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

from sqlalchemy import select

from campaigns_app.accounts.models import User
from campaigns_app.accounts.service import NewAdministrator, found_account
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.service import create_campaign
from campaigns_app.channels.conversation import ApiChannel
from campaigns_app.contacts.importing import ImportReport, import_contacts
from campaigns_app.contacts.models import Label
from campaigns_app.database.types import utcnow
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.webhooks.drafts import EndpointDraft
from campaigns_app.webhooks.events import OPENING_EVENTS
from campaigns_app.webhooks.service import create_endpoint

AHEAD = timedelta(seconds=3)
ACCOUNT = "Demonstration"
EMAIL = "admin@example.com"
TITLE = "Spring collection"
MESSAGE = (
    "Hi {{ contact.first_name | default: 'there' }}, our spring collection is here, and you are "
    "among the first to see it. Shall we keep something for you?"
)
CONVERSATIONS = InboxDraft("Demo inbox", ApiChannel.name, {})


@dataclass(frozen=True, slots=True)
class Login:
    """Who administers the demonstration, and the password made for it."""

    account_id: int
    user_id: int
    email: str
    password: str


def make_account() -> Login:
    """The account, with an administrator whose password is new every time. Commits."""
    password = token_urlsafe(12)
    user = found_account(ACCOUNT, NewAdministrator(EMAIL, "Demo Administrator", password))
    return Login(user.memberships[0].account_id, user.id, user.email, password)


def load_contacts(login: Login, file: Path) -> ImportReport:
    """Import `file`, with the labels in it. Commits.

    Raises `CannotStart` when the file cannot be read, and `InvalidInput` for one that is no CSV.
    """
    try:
        with file.open("rb") as source:
            return import_contacts(login.account_id, source, create_labels=True)
    except OSError as error:
        raise CannotStart(f"{file} cannot be read ({error.strerror}).") from error


def choose_labels(login: Login, titles: Sequence[str]) -> list[Label]:
    """The labels called `titles`, or all there are. Raises `CannotStart`, which lists them."""
    labels = db.session.scalars(
        select(Label).where(Label.account_id == login.account_id).order_by(Label.title)
    ).all()
    known = ", ".join(label.title for label in labels)
    if not labels:
        raise CannotStart("The contacts have no labels: add a column «labels» to the file.")
    unknown = set(titles) - {label.title for label in labels}
    if unknown:
        raise CannotStart(f"No contact has the label {', '.join(unknown)}; there are: {known}.")
    return [label for label in labels if not titles or label.title in titles]


def make_endpoint(login: Login, url: str, *, batch_size: int = 1) -> str:
    """A webhook endpoint for what is told of a conversation, so many events at once; returns its
    secret. Commits."""
    draft = EndpointDraft(
        url=url, subscriptions=OPENING_EVENTS, name="Local receiver", batch_size=batch_size
    )
    return create_endpoint(login.account_id, draft, actor=_user(login)).secret


def schedule_campaign(
    login: Login, labels: Sequence[Label], inbox: InboxDraft = CONVERSATIONS, *, title: str = TITLE
) -> int:
    """A campaign in a new inbox, due in a few seconds; returns its id. Commits."""
    audience = [{"type": "Label", "id": label.id} for label in labels]
    inbox_id = create_inbox(login.account_id, inbox, actor=_user(login)).id
    user = _user(login)
    draft = CampaignDraft(
        title=title,
        message=MESSAGE,
        inbox_id=inbox_id,
        audience=audience,
        scheduled_at=utcnow() + AHEAD,
        sender_id=user.id,
    )
    campaign = create_campaign(user.memberships[0].account, draft, actor=user, now=utcnow())
    campaign_id: int = campaign.id
    # Reading the id began a transaction, which would keep the workers from writing.
    db.session.rollback()
    return campaign_id


def _user(login: Login) -> User:
    return db.session.get_one(User, login.user_id)
