"""Test messages over HTTP, to a provider in a process of its own."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.inboxes.template_sync import sync_templates
from campaigns_app.operations.simulator.process import (
    LINES,
    Line,
    SimulatorProcess,
    simulator_process,
)
from tests.api.conftest import Tenant
from tests.factories import make_contact

TEST_SEND = "/api/v1/campaigns/test_send"
OWN = "+14155550199"
REFUSED = "+15002010001"
TEMPLATE = {"name": "summer_sale", "processed_params": {"1": "{{ contact.first_name }}"}}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """`campaigns simulator`, running."""
    folder = tmp_path_factory.mktemp("simulator")
    with simulator_process(folder / "ledger", os.environ, folder / "log") as process:
        yield process


@pytest.fixture(params=LINES.values(), ids=list(LINES))
def line(request: pytest.FixtureRequest) -> Line:
    """Each of the formats that it speaks."""
    found: Line = request.param
    return found


@pytest.fixture
def inbox(
    app: Flask,
    tenant: Tenant,
    line: Line,
    simulator: SimulatorProcess,
    keys: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Inbox:
    """An inbox of the account that the simulator knows, and Ada, to whom a campaign would go."""
    monkeypatch.setitem(app.config, "PROVIDER_BASE_URLS", (simulator.url,))
    make_contact(tenant.account, tenant.label, name="Ada")
    draft = InboxDraft("Phones", line.channel.name, simulator.settings_for(line))
    inbox = create_inbox(tenant.account.id, draft)
    if line.channel.sends_templates:
        sync_templates(inbox)
    return inbox


def try_out(tenant: Tenant, inbox: Inbox, number: str) -> dict[str, Any]:
    body = tenant.body(inbox_id=inbox.id, template_params=TEMPLATE, phone_number=number)
    answer = tenant.program.post(TEST_SEND, json=body)
    assert answer.status_code == 200, answer.json
    return answer.json or {}


def test_the_provider_takes_it_once_and_no_ledger_knows_of_it(
    tenant: Tenant, line: Line, inbox: Inbox, simulator: SimulatorProcess, session: Session
) -> None:
    before = len(simulator.entries())

    found = try_out(tenant, inbox, OWN)

    [entry] = simulator.entries()[before:]
    assert (found["outcome"], found["provider_message_id"]) == ("accepted", entry.provider_id)
    assert entry.to == OWN
    assert entry.delivery_id.startswith("trial-")
    assert "Ada" in entry.text
    assert found["marked"] is entry.text.startswith("[Test] ") is not line.channel.sends_templates
    assert session.scalar(select(func.count(CampaignRecipient.id))) == 0


def test_a_number_that_the_provider_refuses_is_told_with_its_code(
    tenant: Tenant, inbox: Inbox, simulator: SimulatorProcess
) -> None:
    before = simulator.entries()

    found = try_out(tenant, inbox, REFUSED)

    assert (found["outcome"], bool(found["code"]), bool(found["reason"])) == ("refused", True, True)
    assert simulator.entries() == before
