"""The audience through the API: funnel, drift, why."""

from typing import Any

import pytest

from campaigns_app.campaigns.drift import remember_look
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.channels.registry import get_channels
from campaigns_app.extensions import db
from tests.api.conftest import Tenant
from tests.factories import LONG_AGO, make_campaign, make_contact, make_suppression

AUDIENCE = "/api/v1/campaigns/1/audience"
PREVIEW = "/api/v1/campaigns/audience"
FUNNEL = {
    "matched": 3,
    "steps": [
        {"reason": "blocked", "excluded": 1, "remaining": 2},
        {"reason": "opted_out", "excluded": 0, "remaining": 2},
    ],
    "will_send": 2,
    "frozen": False,
}


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    """A campaign for two contacts and one who is blocked."""
    make_contact(tenant.account, tenant.label, name="Ada")
    make_contact(tenant.account, tenant.label, name="Eve")
    make_contact(tenant.account, tenant.label, name="Bob", blocked=True)
    return make_campaign(tenant.account, tenant.label, inbox_id=tenant.inbox.id)


@pytest.mark.usefixtures("campaign")
def test_the_funnel_is_shown_under_both_addresses(tenant: Tenant) -> None:
    path = f"/api/v1/accounts/{tenant.account.id}/campaigns/1/audience"

    for address in (AUDIENCE, path):
        assert tenant.program.get(address).json == FUNNEL | {"drift": None}


def test_after_the_start_the_funnel_is_frozen(tenant: Tenant, campaign: Campaign) -> None:
    execute_campaign(campaign.id)

    assert tenant.program.get(AUDIENCE).json == FUNNEL | {"frozen": True, "drift": None}


def test_drift_is_that_of_the_tokens_owner(tenant: Tenant, campaign: Campaign) -> None:
    channel = get_channels().get("API")
    remember_look(db.session(), campaign, channel, tenant.user.id, LONG_AGO)
    make_contact(tenant.account, tenant.label)

    shown = tenant.program.get(AUDIENCE).json or {}

    assert shown["drift"] == {"since": int(LONG_AGO.timestamp()), "more": 1, "fewer": 0}


@pytest.mark.usefixtures("campaign")
def test_a_funnel_can_be_had_before_there_is_a_campaign(tenant: Tenant) -> None:
    body = tenant.body()
    asked = {name: body[name] for name in ("inbox_id", "audience")}

    answer = tenant.program.post(PREVIEW, json=asked)

    assert (answer.status_code, answer.json) == (200, FUNNEL)


@pytest.mark.parametrize(
    ("values", "attributes"),
    [
        ({"inbox_id": None}, ["inbox_id"]),
        ({"inbox_id": 10**12}, ["inbox_id"]),
        ({"inbox_id": "1"}, ["inbox_id"]),
        ({"audience": []}, ["audience"]),
        ({"audience": [{"type": "Label", "id": 10**12}]}, ["audience"]),
        ({"audience": "vip", "inbox_id": []}, ["inbox_id", "audience"]),
    ],
)
def test_a_funnel_of_nothing_is_refused(
    tenant: Tenant, values: dict[str, Any], attributes: list[str]
) -> None:
    answer = tenant.program.post(PREVIEW, json=tenant.body(**values))

    assert answer.status_code == 422
    assert (answer.json or {})["attributes"] == attributes


@pytest.mark.usefixtures("campaign")
def test_why_a_contact_is_left_out(tenant: Tenant) -> None:
    contact = make_contact(tenant.account, tenant.label, name="Mallory", phone_number=None)
    suppression = make_suppression(tenant.account, contact.email, created_at=LONG_AGO)

    answer = tenant.program.get(f"{AUDIENCE}/why?q=mallory").json or {}

    assert answer == {
        "payload": [
            {
                "contact_id": contact.id,
                "contact": {
                    "name": "Mallory",
                    "email": contact.email,
                    "phone_number": None,
                    "identifier": None,
                    "blocked": False,
                },
                "included": False,
                "answer": "left_out",
                "reason": "opted_out",
                "explanation": "Will be left out: opted out.",
                "labels": [tenant.label.title],
                "suppressions": [
                    {
                        "address": suppression.address,
                        "source": "manual",
                        "note": "",
                        "created_at": int(LONG_AGO.timestamp()),
                    }
                ],
                "duplicate_of": None,
                "recipient": None,
            }
        ],
        "has_more": False,
    }


def test_what_became_of_a_recipient(tenant: Tenant, campaign: Campaign) -> None:
    execute_campaign(campaign.id)
    deliver_batches()

    (verdict,) = (tenant.program.get(f"{AUDIENCE}/why?q=ada").json or {})["payload"]

    assert (verdict["included"], verdict["answer"]) == (True, "recipient")
    assert verdict["explanation"] == "Was messaged."
    assert verdict["recipient"].items() >= {"state": "sent", "conversation_id": 1}.items()
    assert isinstance(verdict["recipient"]["sent_at"], int)


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", f"?q={'a' * 201}"])
def test_a_search_for_nothing_is_refused(tenant: Tenant, query: str) -> None:
    answer = tenant.program.get(f"{AUDIENCE}/why{query}")

    assert (answer.status_code, (answer.json or {})["attributes"]) == (422, ["q"])


@pytest.mark.usefixtures("campaign")
def test_a_search_for_what_is_no_text_finds_nobody(tenant: Tenant) -> None:
    answer = tenant.program.get(f"{AUDIENCE}/why?q=a%00b")

    assert answer.json == {"payload": [], "has_more": False}
