"""What the crash test sets up: contacts in the audience and outside it, an inbox, an endpoint; and
its campaigns, which it asks the web for as a program would."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import User
from campaigns_app.accounts.tokens import create_token
from campaigns_app.channels.conversation import ApiChannel
from campaigns_app.contacts.models import Contact, ContactLabel, Label
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.provider_account import callback_url
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.operations.bench.seeding import MESSAGE, make_contacts
from campaigns_app.operations.demo.receiver import WebhookReceiver
from campaigns_app.operations.demo.scene import Login, make_account, make_endpoint
from campaigns_app.operations.simulator.manners import Manner
from campaigns_app.operations.simulator.process import Line, SimulatorProcess

ASKING_SECONDS = 10
BLOCKED_SHARE = 50
"""One contact in so many is blocked: in the audience, and never to be written to."""
OUTSIDERS_SHARE = 10
"""For so many contacts of the audience there is one outside it."""

RATE = 100.0
"""Messages a second, so that a campaign lasts long enough to be struck."""
MANNERS = (Manner.REFUSED, Manner.TOO_FAST, Manner.DUPLICATES, Manner.REORDERED)
"""Manners after which it is known what became of the message."""
TEMPLATE = {
    "name": "summer_sale",
    "language": "en_US",
    "processed_params": {"body": {"1": "{{ contact.first_name }}"}},
}
"""One that the simulator has. Channels without templates do not look at it."""

EVENTS_AT_ONCE = 10
"""As many as a chunk makes: some are bundled when they are written, others put together later."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A simulator, and as which provider's account it is used."""

    line: Line
    simulator: SimulatorProcess


@dataclass(frozen=True, slots=True)
class Receivers:
    """Two consumers that are told the same: of one event in each request, and of several."""

    one_by_one: WebhookReceiver
    in_batches: WebhookReceiver


@dataclass(frozen=True, slots=True)
class Scene:
    """Where it takes place: which label makes the audience, which inbox, whose token."""

    label_id: int
    inbox_id: int
    token: str

    def ask_for_campaign(self, address: str, number: int) -> bool:
        """Ask the web at `address` for the campaign with this number, to start now; returns
        whether it said that it has been made. May be repeated: it is the same campaign."""
        body = {
            "title": f"Campaign {number}",
            "message": MESSAGE,
            "template_params": TEMPLATE,
            "inbox_id": self.inbox_id,
            "audience": [{"type": "Label", "id": self.label_id}],
            "scheduled_at": utcnow().isoformat(),
        }
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"crashtest-{number}",
        }
        web = http.client.HTTPConnection(urlsplit(address).netloc, timeout=ASKING_SECONDS)
        try:
            web.request("POST", "/api/v1/campaigns", json.dumps(body), headers)
            return web.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            web.close()


def set_scene(contacts: int, receivers: Receivers, provider: Provider | None = None) -> Scene:
    """Make an account with `contacts` contacts in its audience, an inbox for conversations, or
    one that sends through `provider`, and endpoints for what `receivers` are told. Commits."""
    login = make_account()
    session = db.session()
    labels = [Label(account_id=login.account_id, title=name) for name in ("everybody", "others")]
    session.add_all(labels)
    session.commit()
    audience, others = (label.id for label in labels)
    make_contacts(session, login.account_id, audience, contacts)
    outsiders = max(contacts // OUTSIDERS_SHARE, 1)
    make_contacts(session, login.account_id, others, outsiders, first=contacts)
    session.execute(update(Contact).where(Contact.id % BLOCKED_SHARE == 0).values(blocked=True))
    session.commit()
    if provider is not None:
        _give_odd_numbers(session, audience)
    receivers.one_by_one.secret = make_endpoint(login, receivers.one_by_one.url)
    receivers.in_batches.secret = make_endpoint(
        login, receivers.in_batches.url, batch_size=EVENTS_AT_ONCE
    )
    return Scene(
        label_id=audience,
        inbox_id=_make_inbox(login, provider),
        token=_make_token(login),
    )


def _give_odd_numbers(session: Session, label_id: int) -> None:
    """Some of the audience get numbers that the simulator treats in its manners."""
    chosen = select(Contact.id).join(ContactLabel, ContactLabel.contact_id == Contact.id)
    chosen = chosen.where(ContactLabel.label_id == label_id, ~Contact.blocked).order_by(Contact.id)
    ids = session.scalars(chosen.limit(len(MANNERS))).all()
    numbers = [f"+15002{manner:02}0001" for manner in MANNERS]
    session.execute(
        update(Contact),
        [
            {"id": contact_id, "phone_number": number}
            for contact_id, number in zip(ids, numbers, strict=False)
        ],
    )
    session.commit()


def _make_inbox(login: Login, provider: Provider | None) -> int:
    draft = InboxDraft("Crash test", ApiChannel.name, {})
    if provider is not None:
        settings = provider.simulator.settings_for(provider.line)
        draft = InboxDraft("Crash test", provider.line.channel.name, settings, rate=RATE)
    inbox = create_inbox(login.account_id, draft)
    if provider is not None:
        provider.simulator.call_back(provider.line, callback_url(provider.line.channel(), inbox))
    inbox_id: int = inbox.id
    db.session.rollback()
    return inbox_id


def _make_token(login: Login) -> str:
    member = db.session.get_one(User, login.user_id).memberships[0]
    token = create_token(member, "Crash test", expires_at=None, now=utcnow()).text
    # Reading the member began a transaction, which would keep the workers from writing.
    db.session.rollback()
    return token
