"""Test messages through the API."""

from typing import Any

import pytest

from campaigns_app.campaigns.trial import MOST_OFTEN
from campaigns_app.channels.provider import Permanent
from campaigns_app.inboxes.models import Inbox
from tests.api.conftest import Tenant
from tests.campaigns.test_trial import OWN, TextChannel
from tests.campaigns.test_trial import channel as channel
from tests.factories import make_campaign, make_contact, make_inbox

UNSAVED = "/api/v1/campaigns/test_send"


@pytest.fixture
def texts(tenant: Tenant, channel: TextChannel) -> Inbox:
    """An inbox that sends texts, and somebody to send to."""
    make_contact(tenant.account, tenant.label, name="Ada")
    return make_inbox(tenant.account, inbox_type=channel.name)


def saved(tenant: Tenant, texts: Inbox) -> str:
    campaign = make_campaign(tenant.account, tenant.label, inbox_id=texts.id)
    return f"/api/v1/campaigns/{campaign.display_id}/test_send"


def test_the_outcome_is_answered(tenant: Tenant, texts: Inbox, channel: TextChannel) -> None:
    answer = tenant.program.post(saved(tenant, texts), json={"phone_number": OWN})

    found: dict[str, Any] = answer.json or {}
    assert (answer.status_code, found["outcome"], found["provider_message_id"]) == (
        *(200, "accepted"),
        "id-1",
    )
    assert (found["to"], found["text"], found["marked"]) == (OWN, "[Test] Hello Ada", True)
    assert found["contact"]["name"] == "Ada"


def test_a_refusal_has_the_providers_code(
    tenant: Tenant, texts: Inbox, channel: TextChannel
) -> None:
    channel.outcomes[OWN] = Permanent("no such number", "21211")

    answer = tenant.program.post(saved(tenant, texts), json={"phone_number": OWN})

    found = answer.json or {}
    assert (found["outcome"], found["code"], found["reason"]) == (
        *("refused", "21211"),
        "no such number",
    )


def test_attributes_are_enough(tenant: Tenant, texts: Inbox, channel: TextChannel) -> None:
    body = tenant.body(inbox_id=texts.id, phone_number=OWN)

    assert tenant.program.post(UNSAVED, json=body).status_code == 200
    assert [one.text for one in channel.calls] == ["[Test] Check out our sale, Ada!"]


def test_an_inbox_that_opens_conversations_shows_the_message(tenant: Tenant) -> None:
    make_contact(tenant.account, tenant.label, name="Ada")

    found = tenant.program.post(UNSAVED, json=tenant.body()).json or {}

    assert (found["outcome"], found["text"]) == ("shown", "Check out our sale, Ada!")


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        ({"to": "everybody"}, "to"),
        ({"contact_id": "3"}, "contact_id"),
        ({"contact_id": 999, "phone_number": OWN}, "contact_id"),
        ({"phone_number": "12"}, "phone_number"),
        ({}, "phone_number"),
        ({"phone_number": OWN, "message": "{{"}, "message"),
    ],
)
def test_what_is_wrong_is_named(
    tenant: Tenant,
    texts: Inbox,
    channel: TextChannel,
    values: dict[str, Any],
    attribute: str,
) -> None:
    answer = tenant.program.post(UNSAVED, json=tenant.body(inbox_id=texts.id) | values)

    assert (answer.status_code, (answer.json or {})["attributes"]) == (422, [attribute])
    assert channel.calls == []


def test_another_accounts_campaign_is_none(tenant: Tenant, stranger: Tenant, texts: Inbox) -> None:
    path = saved(tenant, texts)

    assert stranger.program.post(path, json={"phone_number": OWN}).status_code == 404


def test_who_asks_too_often_is_told_to_wait(tenant: Tenant, texts: Inbox) -> None:
    path = saved(tenant, texts)

    answers = [
        tenant.program.post(path, json={"phone_number": OWN}) for _ in range(MOST_OFTEN.amount + 1)
    ]

    assert [one.status_code for one in answers] == [200] * MOST_OFTEN.amount + [429]
