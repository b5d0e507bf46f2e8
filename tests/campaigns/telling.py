"""A provider whose callbacks are JSON, and a campaign that was sent through it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account as Tenant
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import (
    Campaign,
    CampaignBatch,
    CampaignRecipient,
)
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.channels.base import phone_rules
from campaigns_app.channels.provider import (
    Account,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    OutgoingMessage,
    ProviderChannel,
    ProviderEvent,
    Receipt,
)
from campaigns_app.channels.registry import EXTENSION, ChannelRegistry
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient
from campaigns_app.inboxes.callbacks import find_called_inbox, keep_events
from campaigns_app.inboxes.models import Inbox
from tests.factories import make_account, make_campaign, make_contact, make_inbox, make_label

SIGNATURE = "signed"
NUMBER = "+1415555{:04d}"


class TellingChannel(ProviderChannel):
    """Its callbacks are a JSON list of events, «signed» in a header."""

    name = "Telling"
    label = "Telling"
    slug = "telling"
    log_prefix = "Telling Campaign"
    webhook_name = "Channel::Telling"
    usual_rate = 10_000
    callback_slug = "telling"

    def __init__(self) -> None:
        self.outcomes: dict[str, Exception] = {}
        self.looked_up: list[OutgoingMessage] = []
        self.found: dict[str, Receipt | Exception | None] = {}

    def unreachable(self) -> Any:
        return phone_rules()

    async def send(self, http: HttpClient, account: Account, message: OutgoingMessage) -> Receipt:
        if message.to in self.outcomes:
            raise self.outcomes[message.to]
        return Receipt(f"id-{message.delivery_id}")

    async def check(self, http: HttpClient, account: Account) -> str:
        return "fine"

    async def look_up(
        self, http: HttpClient, account: Account, message: OutgoingMessage, since: Any
    ) -> Receipt | None:
        self.looked_up.append(message)
        found = self.found.get(message.to)
        if isinstance(found, Exception):
            raise found
        return found

    def answer_verification(self, account: Account, request: CallbackRequest) -> str:
        if request.query.get("token") != SIGNATURE:
            raise CallbackRefused("wrong token")
        return request.query["challenge"]

    def read_callback(self, account: Account, request: CallbackRequest) -> list[ProviderEvent]:
        if request.headers.get("x-signature") != SIGNATURE:
            raise CallbackRefused("wrong signature", 401 if "authorization" in request.url else 403)
        return [
            ProviderEvent(kind=EventKind(one.pop("kind")), **one)
            for one in json.loads(request.body)
        ]


@contextmanager
def only_channel(app: Flask) -> Iterator[TellingChannel]:
    """The application with no other channel."""
    before = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = ChannelRegistry()
    channel = TellingChannel()
    app.extensions[EXTENSION].register(channel)
    yield channel
    app.extensions[EXTENSION] = before


def make_telling_inbox(account: Tenant) -> Inbox:
    """An inbox of the account that this provider calls."""
    return make_inbox(account, inbox_type="Telling", callback_token=f"token-{account.id}")


def start(contacts: int = 3, account: Tenant | None = None) -> Campaign:
    """A campaign of an account of its own, started but sent to nobody."""
    account = account or make_account()
    label = make_label(account)
    for number in range(contacts):
        make_contact(account, label, phone_number=NUMBER.format(number))
    campaign = make_campaign(account, label, inbox_id=make_telling_inbox(account).id)
    execute_campaign(campaign.id)
    return campaign


def send(contacts: int = 3, account: Tenant | None = None) -> Campaign:
    """A campaign that was sent to everybody."""
    campaign = start(contacts, account)
    deliver_provider_batches()
    return campaign


def keep(campaign: Campaign, *events: ProviderEvent) -> None:
    """Keep what the provider tells to the campaign's inbox."""
    token = campaign.inbox.callback_token or ""
    db.session.rollback()
    keep_events(db.session(), find_called_inbox(db.session(), "telling", token), events, b"[]")


def recipients_of(session: Session, campaign: Campaign) -> list[CampaignRecipient]:
    """The campaign's ledger as it is now."""
    session.rollback()
    session.expire_all()
    of_campaign = CampaignRecipient.campaign_id == campaign.id
    return list(
        session.scalars(
            select(CampaignRecipient).where(of_campaign).order_by(CampaignRecipient.contact_id)
        )
    )


def counters_are_true(session: Session, campaign: Campaign) -> bool:
    """Whether the batches' counters say what the ledger says."""
    recipients = recipients_of(session, campaign)
    batches = session.scalars(
        select(CampaignBatch).where(CampaignBatch.campaign_id == campaign.id)
    ).all()
    return all(
        sum(getattr(batch, state) for batch in batches)
        == sum(one.state == state for one in recipients)
        for state in RecipientState
    )


def event(kind: EventKind, key: str | None = None, **values: Any) -> ProviderEvent:
    """Something that is told just now."""
    values = {"at": utcnow()} | values
    words = [str(values.get(name)) for name in ("delivery_id", "provider_message_id", "address")]
    return ProviderEvent(key or f"{kind}-{'-'.join(words)}", kind, **values)
