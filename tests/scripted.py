"""A provider for tests, which does what they say."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.channels.base import SettingField, phone_rules
from campaigns_app.channels.provider import (
    Account,
    CallbackRequest,
    OutgoingMessage,
    ProviderChannel,
    ProviderEvent,
    Receipt,
)
from campaigns_app.channels.templates import Template
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient


class ScriptedChannel(ProviderChannel):
    """A provider that answers what the test says, and looks into the ledger when it is called."""

    name = "Scripted"
    label = "Scripted"
    slug = "scripted"
    log_prefix = "Scripted Campaign"
    webhook_name = "Channel::Scripted"
    usual_rate = 10_000
    callback_slug = "scripted"
    sends_templates = True
    settings = (
        SettingField("account_sid", "Account SID", required=True, help="As in the console"),
        SettingField("auth_token", "Auth token", secret=True),
        SettingField("api_key", "API key", secret=True),
        SettingField(
            "medium", "Medium", kind="select", extra={"choices": [("", "None"), ("sms", "SMS")]}
        ),
        SettingField("validity", "Validity", kind="number"),
    )

    def __init__(self) -> None:
        self.outcomes: dict[str, Exception] = {}
        self.calls: list[OutgoingMessage] = []
        self.states: set[str] = set()
        self.accounts: list[Account] = []
        self.answer: Exception | str = "fine"
        self.templates: Exception | list[Template] = []

    def faults(self, values: Mapping[str, str]) -> list[tuple[str, str]]:
        if ("auth_token" in values) == ("api_key" in values):
            return [("auth_token", "Exactly one of auth token and API key")]
        return []

    def unreachable(self) -> Any:
        return phone_rules()

    async def send(self, http: HttpClient, account: Account, message: OutgoingMessage) -> Receipt:
        self.calls.append(message)
        recipient = select(CampaignRecipient.state).where(
            CampaignRecipient.id == int(message.delivery_id)
        )
        with Session(db.engine) as other:
            self.states.add(other.scalars(recipient).one())
        if message.to in self.outcomes:
            raise self.outcomes[message.to]
        return Receipt(f"id-{message.delivery_id}")

    async def check(self, http: HttpClient, account: Account) -> str:
        self.accounts.append(account)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def list_templates(self, http: HttpClient, account: Account) -> list[Template]:
        self.accounts.append(account)
        if isinstance(self.templates, Exception):
            raise self.templates
        return self.templates

    def read_callback(self, account: Account, request: CallbackRequest) -> list[ProviderEvent]:
        return []
