"""Looking ahead through the API."""

from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.campaigns import preflight, sampling
from campaigns_app.channels.provider import AccountPause
from campaigns_app.inboxes.models import Inbox, InboxTemplate
from tests.api.conftest import Tenant
from tests.factories import make_campaign, make_contact, make_inbox, make_template, set_up
from tests.scripted import ScriptedChannel

PREFLIGHT = "/api/v1/campaigns/preflight"
TEMPLATE = {"name": "summer"}


@pytest.fixture
def phones(tenant: Tenant, scripted: ScriptedChannel, keys: list[str]) -> Inbox:
    """An inbox that sends through the scripted provider, and somebody to send to."""
    make_contact(tenant.account, tenant.label)
    inbox = make_inbox(tenant.account, inbox_type="Scripted", rate=0.5)
    make_template(inbox, "Our sale begins", name="summer")
    return set_up(inbox, {"account_sid": "AC1"}, auth_token="secret")


def look(tenant: Tenant, phones: Inbox, **values: Any) -> Any:
    body = tenant.body(inbox_id=phones.id, template_params=TEMPLATE) | values
    answer = tenant.program.post(PREFLIGHT, json=body)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_what_will_happen_is_told(tenant: Tenant, phones: Inbox) -> None:
    assert look(tenant, phones) == {
        "findings": [],
        "will_send": 1,
        "looked_at": 1,
        "estimated_seconds": 2,
        "units": {
            "unit": "messages",
            "longest": 1,
            "longest_for": {"id": ANY, "name": ANY},
            "total": 1,
            "estimated": False,
            "encoding": None,
            "unicode": 0,
            "forced_by": [],
        },
    }


def test_every_message_is_counted_on_demand(
    tenant: Tenant, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "MOST_WRITTEN_FOR", 1)
    monkeypatch.setattr(sampling, "MOST_HELD", 1)
    monkeypatch.setattr(sampling, "SAMPLE", 1)
    for name in ("x" * 100, "y" * 200):
        make_contact(tenant.account, tenant.label, name=name)
    texts = make_inbox(tenant.account, inbox_type="Twilio SMS")
    set_up(texts, {"account_sid": "AC1", "phone_number": "+14155550000"}, auth_token="s")
    values = {"inbox_id": texts.id, "message": "{{ contact.name }}" + "-" * 150}
    campaign = make_campaign(tenant.account, tenant.label, **values)
    place = f"/api/v1/campaigns/{campaign.display_id}/preflight"

    some = look(tenant, texts, **values)
    everybody = look(tenant, texts, **values, count_all=True)
    again = tenant.program.get(f"{place}?count_all=true").json or {}

    assert (some["looked_at"], some["units"]["estimated"]) == (1, True)
    for found in (everybody, again):
        assert (found["looked_at"], found["units"]["estimated"]) == (2, False)
        assert (found["units"]["longest"], found["units"]["total"]) == (3, 5)


@pytest.mark.parametrize("name", ["check", "count_all"])
@pytest.mark.parametrize("value", ["true", 1, None, []])
def test_what_is_neither_true_nor_false_is_refused(tenant: Tenant, name: str, value: Any) -> None:
    answer = tenant.program.post(PREFLIGHT, json=tenant.body() | {name: value})

    assert answer.status_code == 422
    assert (answer.json or {})["attributes"] == [name]


def test_an_inbox_without_provider_has_no_rate(tenant: Tenant) -> None:
    make_contact(tenant.account, tenant.label)

    found = tenant.program.post(PREFLIGHT, json=tenant.body()).json or {}

    assert (found["estimated_seconds"], found["units"], found["will_send"]) == (None, None, 1)


def test_the_provider_is_asked_on_demand_and_not_again_for_a_while(
    tenant: Tenant, phones: Inbox, scripted: ScriptedChannel
) -> None:
    scripted.answer = AccountPause("bad credentials", "20003")

    unasked = look(tenant, phones)
    asked = [look(tenant, phones, check=True) for _ in range(3)]

    assert unasked["findings"] == []
    assert {one["findings"][0]["name"] for one in asked} == {"refused"}
    assert asked[0]["findings"][0]["severity"] == "block"
    assert "bad credentials (20003)" in asked[0]["findings"][0]["message"]
    assert len(scripted.accounts) == 1


@pytest.mark.parametrize("path", [PREFLIGHT, "/api/v1/campaigns"])
def test_a_campaign_without_its_template_is_refused(
    tenant: Tenant, phones: Inbox, path: str
) -> None:
    answer = tenant.program.post(path, json=tenant.body(inbox_id=phones.id))

    assert answer.status_code == 422
    assert (answer.json or {})["attributes"] == ["template_params"]


def test_another_accounts_inbox_is_refused(tenant: Tenant, stranger: Tenant) -> None:
    answer = tenant.program.post(PREFLIGHT, json=tenant.body(inbox_id=stranger.inbox.id))

    assert (answer.status_code, (answer.json or {})["attributes"]) == (422, ["inbox_id"])


def test_a_template_that_was_taken_back_is_found_of_a_campaign_that_is_there(
    tenant: Tenant, phones: Inbox, session: Session
) -> None:
    values = {"inbox_id": phones.id, "template_params": TEMPLATE | {"language": "en_US"}}
    number = make_campaign(tenant.account, tenant.label, **values).display_id
    path = f"/api/v1/campaigns/{number}/preflight"
    assert (tenant.program.get(path).json or {})["findings"] == []

    session.execute(update(InboxTemplate).values(status="PAUSED"))
    session.commit()

    [finding] = (tenant.program.get(path).json or {})["findings"]
    assert (finding["name"], finding["severity"]) == ("template", "block")
    assert finding["message"] == "Template summer (en_US) is not approved: it is paused"


def test_another_accounts_campaign_is_not_looked_at(tenant: Tenant, stranger: Tenant) -> None:
    number = make_campaign(stranger.account, stranger.label).display_id

    assert tenant.program.get(f"/api/v1/campaigns/{number}/preflight").status_code == 404


def test_a_campaign_that_is_made_is_looked_at_with_its_provider(
    tenant: Tenant, phones: Inbox, scripted: ScriptedChannel
) -> None:
    scripted.answer = AccountPause("bad credentials", "20003")
    campaign = make_campaign(
        tenant.account, tenant.label, inbox_id=phones.id, template_params=TEMPLATE
    )
    path = f"/api/v1/campaigns/{campaign.display_id}/preflight"

    unasked, asked = (tenant.program.get(one).json or {} for one in (path, f"{path}?check=true"))

    assert "refused" not in {one["name"] for one in unasked["findings"]}
    assert "refused" in {one["name"] for one in asked["findings"]}


def test_segments_are_counted_on_what_is_written(tenant: Tenant, keys: list[str]) -> None:
    make_contact(tenant.account, tenant.label, name="Łukasz")
    inbox = make_inbox(tenant.account, inbox_type="Twilio SMS")
    settings = {"account_sid": "AC1", "phone_number": "+14155550000"}
    set_up(inbox, settings, auth_token="secret")
    body = tenant.body(inbox_id=inbox.id, message="x" * 70 + " {{ contact.name }}")

    found = (tenant.program.post(PREFLIGHT, json=body).json or {})["units"]

    assert (found["unit"], found["longest"], found["total"], found["unicode"]) == (
        *("segments", 2, 2),
        1,
    )
    assert (found["encoding"], found["longest_for"]["name"]) == ("UCS-2", "Łukasz")
    assert found["forced_by"] == [
        {
            "character": "Ł",
            "code_point": "U+0141",
            "name": "LATIN CAPITAL LETTER L WITH STROKE",
        }
    ]
