"""Campaigns of templates, from the provider's list to the simulated provider's ledger."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.drafts import CampaignDraft, draft_of
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.preflight import look_ahead
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.service import create_campaign
from campaigns_app.campaigns.states import Phase
from campaigns_app.contacts.models import Label
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox, InboxTemplate, TemplateSync
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.inboxes.template_sync import sync_templates
from campaigns_app.operations.simulator import credentials as known
from tests.channels.providers import SETTINGS, Running, simulating
from tests.factories import make_contact, make_label

VOUCHER = {
    "name": "voucher",
    "language": "en_US",
    "processed_params": {
        "header": {"1": "{{ contact.first_name }}"},
        "body": {"1": "20 %", "2": "{{ contact.custom_attribute.day }}"},
        "buttons": [
            None,
            {"type": "url", "parameter": "{{ contact.id }}"},
            {"type": "copy_code", "parameter": "SPRING20"},
        ],
    },
}


@pytest.fixture
def simulator(
    app: Flask, keys: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    """A simulated provider, which inboxes may name."""
    with simulating(tmp_path / "ledger") as running:
        monkeypatch.setitem(app.config, "PROVIDER_BASE_URLS", (running.url,))
        yield running


@pytest.fixture
def inbox(account: Account, simulator: Running) -> Inbox:
    """An inbox of the simulated account, whose templates were fetched."""
    secrets = dict.fromkeys(("api_key", "app_secret", "webhook_verify_token"), known.SECRET)
    settings = SETTINGS["Whatsapp"] | secrets | {"base_url": simulator.url}
    inbox = create_inbox(account.id, InboxDraft("Phones", "Whatsapp", settings))
    sync_templates(inbox)
    return inbox


@pytest.fixture
def label(account: Account) -> Label:
    """The audience: Ana has all that the voucher says of her, Ben and Eve have not."""
    label = make_label(account)
    make_contact(account, label, name="Ana", custom_attributes={"day": "Sunday"})
    make_contact(account, label, name="Ben")
    make_contact(account, label, name="Eve", custom_attributes={"day": " "})
    return label


def make_due(account: Account, inbox: Inbox, label: Label, params: dict[str, Any]) -> Campaign:
    audience = [{"type": "Label", "id": label.id}]
    draft = CampaignDraft(
        "Spring", "", inbox.id, audience, scheduled_at=None, template_params=params
    )
    return create_campaign(account, draft, actor=None, now=utcnow() - timedelta(seconds=1))


def carry_out(campaign: Campaign) -> int:
    number = campaign.id
    execute_campaign(number)
    deliver_provider_batches()
    return number


def test_each_gets_the_template_with_their_own_values(
    account: Account, inbox: Inbox, label: Label, simulator: Running, session: Session
) -> None:
    campaign = make_due(account, inbox, label, VOUCHER)
    message = campaign.message
    [found] = look_ahead(account, inbox, draft_of(campaign), utcnow()).findings

    campaign_id = carry_out(campaign)

    assert message == "20 % off everything until {{ contact.custom_attribute.day }}."
    assert count_states(campaign_id) == Counts(total=3, sent=1, skipped=2)
    [entry] = simulator.ledger
    texts = [
        [parameter[parameter["type"]] for parameter in component["parameters"]]
        for component in json.loads(entry.text)
    ]
    ana = session.scalar(
        select(CampaignRecipient.contact_id).where(CampaignRecipient.state == "sent")
    )
    assert texts == [["Ana"], ["20 %", "Sunday"], [str(ana)], ["SPRING20"]]
    # Whom the look ahead named are those who were skipped.
    skipped = session.scalars(
        select(CampaignRecipient.contact_id).where(CampaignRecipient.reason == "blank_parameter")
    )
    assert {number for number, _ in found.contacts} == set(skipped)


def test_a_template_that_the_provider_paused_meanwhile_pauses_the_campaign(
    account: Account, inbox: Inbox, label: Label, simulator: Running, session: Session
) -> None:
    session.execute(update(InboxTemplate).values(status="APPROVED"))
    session.commit()
    params = {"name": "flash_sale", "processed_params": {"1": "you"}}

    campaign_id = carry_out(make_due(account, inbox, label, params))

    session.expire_all()
    campaign = session.get_one(Campaign, campaign_id)
    assert campaign.phase is Phase.PAUSED
    why = "flash_sale (en_US): the template was paused for its quality (132015)"
    assert campaign.pause_reason == why
    assert inbox.halted_at is None
    # The list is fetched anew, which will say the same.
    assert session.scalars(select(TemplateSync.due_at)).one() <= utcnow() + timedelta(seconds=5)
    assert count_states(campaign_id).sent == 0
    assert len(simulator.ledger) == 0
