"""A template is rejected after its campaign was scheduled, and Meta says so over HTTP."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.receipt_jobs import process_receipts
from campaigns_app.campaigns.service import create_campaign
from campaigns_app.campaigns.states import Phase
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox, InboxTemplate
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.inboxes.template_sync import sync_templates
from campaigns_app.operations.simulator.process import LINES, SimulatorProcess, simulator_process
from tests.factories import make_contact, make_label
from tests.serving import serving

LINE = LINES["whatsapp"]
PARAMS = {"name": "summer_sale", "language": "en_US", "processed_params": {"body": {"1": "you"}}}


@pytest.fixture
def simulator(
    app: Flask, keys: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimulatorProcess]:
    """A simulated Meta in a process of its own, which inboxes may name."""
    with simulator_process(tmp_path / "ledger", os.environ, tmp_path / "log") as process:
        monkeypatch.setitem(app.config, "PROVIDER_BASE_URLS", (process.url,))
        yield process


@pytest.fixture
def inbox(app: Flask, account: Account, simulator: SimulatorProcess) -> Iterator[Inbox]:
    """An inbox whose templates were fetched, and whose callbacks reach the application."""
    draft = InboxDraft("Phones", LINE.channel.name, simulator.settings_for(LINE))
    inbox = create_inbox(account.id, draft)
    sync_templates(inbox)
    with serving(app) as url:
        simulator.call_back(LINE, f"{url}/callbacks/whatsapp/{inbox.callback_token}")
        yield inbox


@pytest.fixture
def campaign(account: Account, inbox: Inbox) -> Campaign:
    """A campaign with an approved template, scheduled for tomorrow."""
    label = make_label(account)
    make_contact(account, label)
    audience = [{"type": "Label", "id": label.id}]
    tomorrow = utcnow() + timedelta(days=1)
    draft = CampaignDraft("Sale", "", inbox.id, audience, tomorrow, template_params=PARAMS)
    return create_campaign(account, draft, actor=None, now=utcnow())


def reject(simulator: SimulatorProcess, session: Session) -> None:
    # The callback is kept in a transaction of the server's, for which SQLite waits.
    session.rollback()
    simulator.change_template("summer_sale", "REJECTED")
    process_receipts()


def test_the_scheduled_campaign_is_paused_and_its_page_says_why(
    admin_client: FlaskClient, session: Session, campaign: Campaign, simulator: SimulatorProcess
) -> None:
    campaign_id, path = campaign.id, f"/campaigns/{campaign.display_id}"
    well = admin_client.get(path).text

    reject(simulator, session)
    warned = admin_client.get(path).text
    session.execute(update(Campaign).values(scheduled_at=utcnow()))
    session.commit()
    execute_campaign(campaign_id)

    banner = "Template summer_sale (en_US) is not approved: it is rejected"
    assert [banner in page for page in (well, warned, admin_client.get(path).text)] == [
        *(False, True, True)
    ]
    session.expire_all()
    campaign = session.get_one(Campaign, campaign_id)
    assert (campaign.phase, campaign.started_at) == (Phase.PAUSED, None)
    assert simulator.entries() == []


def test_the_list_that_is_fetched_then_says_the_same(
    session: Session, inbox: Inbox, simulator: SimulatorProcess
) -> None:
    reject(simulator, session)

    sync_templates(inbox)

    status = select(InboxTemplate.status).where(
        InboxTemplate.name == "summer_sale", InboxTemplate.language == "en_US"
    )
    assert session.scalars(status).one() == "REJECTED"
