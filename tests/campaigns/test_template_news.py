"""What a provider tells of templates is known at once, and to campaigns before they begin."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, AuditEntry
from campaigns_app.campaigns.control import resume_campaign
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.receipt_jobs import process_receipts
from campaigns_app.campaigns.receipts import Result
from campaigns_app.campaigns.states import Phase
from campaigns_app.channels.provider import EventKind, ProviderEvent
from campaigns_app.channels.whatsapp_callbacks import sign
from campaigns_app.contacts.models import Label
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox, InboxTemplate, TemplateSync
from campaigns_app.inboxes.models import ProviderEvent as KeptEvent
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.inboxes.template_jobs import sweep_templates
from campaigns_app.job_queue import DEFAULT, get_queue
from campaigns_app.operations.simulator import credentials as known
from campaigns_app.operations.simulator.process import LINES
from campaigns_app.webhooks.models import WebhookEvent
from tests.campaigns.telling import TellingChannel, event, keep, only_channel, start
from tests.factories import (
    make_campaign,
    make_contact,
    make_endpoint,
    make_inbox,
    make_label,
    make_template,
    set_up,
)
from tests.scripted import ScriptedChannel

PARAMS = {"name": "summer_sale", "language": "en_US", "processed_params": {"body": {"1": "you"}}}


@pytest.fixture
def telling(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[TellingChannel]:
    """The only channel there is; it sends templates."""
    monkeypatch.setattr(TellingChannel, "sends_templates", True)
    with only_channel(app) as channel:
        yield channel


def news(status: str | None, key: str = "news", **values: Any) -> ProviderEvent:
    values = {"template_name": "summer_sale", "template_language": "en_US"} | values
    return event(EventKind.TEMPLATE_CHANGED, key, code=status, **values)


def status_of(session: Session, inbox_id: int, language: str = "en_US") -> str:
    session.rollback()
    return session.scalars(
        select(InboxTemplate.status).where(
            InboxTemplate.inbox_id == inbox_id, InboxTemplate.language == language
        )
    ).one()


def test_a_template_has_its_new_status_at_once(session: Session, telling: TellingChannel) -> None:
    campaign, other = start(1), start(1)
    for one in (campaign, other):
        make_template(one.inbox)
    make_template(campaign.inbox, language="de")

    keep(campaign, news("PAUSED"))
    process_receipts()

    assert status_of(session, campaign.inbox_id) == "PAUSED"
    assert status_of(session, campaign.inbox_id, "de") == "APPROVED"
    assert status_of(session, other.inbox_id) == "APPROVED"
    kept = session.scalars(select(KeptEvent)).one()
    assert (kept.result, kept.recipient_id) == (Result.APPLIED, None)


@pytest.mark.parametrize("status", ["PAUSED", None])
def test_and_the_list_is_fetched_anew(
    session: Session, telling: TellingChannel, status: str | None
) -> None:
    campaign = start(1)
    make_template(campaign.inbox)
    sweep_templates()
    before = get_queue(DEFAULT).count

    keep(campaign, news(status))
    process_receipts()
    sweep_templates()

    assert session.scalars(select(TemplateSync.due_at)).one() <= utcnow() + timedelta(seconds=5)
    assert (before, get_queue(DEFAULT).count) == (0, 1)
    assert status_of(session, campaign.inbox_id) == (status or "APPROVED")


def test_news_of_a_template_that_is_not_known_do_no_harm(
    session: Session, telling: TellingChannel
) -> None:
    campaign = start(1)

    keep(campaign, news("APPROVED"))
    process_receipts()

    assert session.scalars(select(KeptEvent.result)).one() == Result.APPLIED


@pytest.fixture
def label(account: Account) -> Label:
    """The audience: one contact."""
    label = make_label(account)
    make_contact(account, label)
    return label


@pytest.fixture
def inbox(account: Account, scripted: ScriptedChannel, keys: list[str]) -> Inbox:
    """An inbox that sends templates, whose only one is taken back."""
    inbox = make_inbox(account, inbox_type="Scripted")
    make_template(inbox, status="PAUSED")
    return set_up(inbox, {"account_sid": "AC1"}, auth_token="secret")


@pytest.fixture
def campaign(account: Account, label: Label, inbox: Inbox) -> Campaign:
    """A campaign with that template, whose time has come."""
    return make_campaign(account, label, inbox_id=inbox.id, template_params=PARAMS)


def test_a_campaign_whose_template_was_taken_back_is_paused_before_it_begins(
    session: Session, account: Account, campaign: Campaign, scripted: ScriptedChannel
) -> None:
    make_endpoint(account, subscriptions=["campaign_started", "campaign_paused"])

    execute_campaign(campaign.id)
    execute_campaign(campaign.id)

    session.expire_all()
    assert (campaign.phase, campaign.started_at, campaign.failure) == (Phase.PAUSED, None, None)
    assert session.scalars(select(CampaignRecipient)).all() == []
    assert session.scalars(select(AuditEntry.action)).all() == ["campaign.paused"]
    assert session.scalars(select(WebhookEvent.type)).all() == ["campaign_paused"]


def test_its_page_says_why(admin_client: FlaskClient, campaign: Campaign) -> None:
    execute_campaign(campaign.id)

    page = admin_client.get(f"/campaigns/{campaign.display_id}").text

    assert "Template summer_sale (en_US) is not approved: it is paused" in page


def test_it_goes_on_when_somebody_resumes_it_after_the_template_is_back(
    session: Session, account: Account, campaign: Campaign, inbox: Inbox
) -> None:
    execute_campaign(campaign.id)

    with pytest.raises(InvalidInput, match="not approved"):
        resume_campaign(account, campaign.display_id, actor=None, now=utcnow())
    session.scalars(select(InboxTemplate)).one().status = "APPROVED"
    session.commit()
    resume_campaign(account, campaign.display_id, actor=None, now=utcnow())
    execute_campaign(campaign.id)

    session.expire_all()
    assert campaign.phase is Phase.SENDING
    assert len(session.scalars(select(CampaignRecipient)).all()) == 1


def test_what_meta_signs_at_the_callback_address_is_heard(
    client: FlaskClient, account: Account, session: Session, keys: list[str]
) -> None:
    line = LINES["whatsapp"]
    inbox = create_inbox(account.id, InboxDraft("Phones", "Whatsapp", dict(line.settings)))
    inbox_id, path = inbox.id, f"/callbacks/whatsapp/{inbox.callback_token}"
    make_template(inbox)
    told = {
        "event": "PAUSED",
        "message_template_name": "summer_sale",
        "message_template_language": "en-US",
    }
    change = {"field": "message_template_status_update", "value": told}
    entry = {"id": known.BUSINESS_ACCOUNT_ID, "time": 1750030073, "changes": [change]}
    body = json.dumps({"entry": [entry]}).encode()

    answer = client.post(path, data=body, headers={"X-Hub-Signature-256": sign(known.SECRET, body)})
    process_receipts()

    assert (answer.status_code, status_of(session, inbox_id)) == (204, "PAUSED")
