"""What an integration tells of a campaign's messages, and who learns of it."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.checking.check import check_campaigns
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.report import count_states
from campaigns_app.channels.registry import get_channels
from campaigns_app.conversations.models import Conversation, Message
from campaigns_app.extensions import db
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEvent
from tests.api.conftest import Tenant
from tests.factories import make_campaign, make_contact, make_endpoint


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    """A campaign that one contact has received."""
    make_contact(tenant.account, tenant.label, name="Ada")
    campaign = make_campaign(tenant.account, tenant.label, inbox_id=tenant.inbox.id)
    execute_campaign(campaign.id)
    deliver_batches()
    return campaign


def path_of_message() -> str:
    message = db.session.scalars(select(Message)).one()
    number = db.session.get_one(Conversation, message.conversation_id).display_id
    return f"conversations/{number}/messages/{message.id}"


def report(tenant: Tenant, status: str, **values: Any) -> Any:
    answer = tenant.program.patch(f"/api/v1/{path_of_message()}", json={"status": status, **values})
    assert answer.status_code == 200
    return answer.get_json()


@pytest.mark.parametrize("status", ["delivered", "read", "failed"])
def test_what_became_of_a_message_is_what_became_of_the_recipient(
    tenant: Tenant, session: Session, campaign: Campaign, status: str
) -> None:
    told = report(tenant, status)

    counts = count_states(campaign.id)
    assert told["status"] == status
    assert getattr(counts, status) == 1
    assert counts.adds_up
    assert session.scalars(select(CampaignRecipient.state)).all() == [status]
    assert all(verdict.holds for verdict in check_campaigns(session, get_channels()))


def test_endpoints_are_told_of_the_message_and_of_the_recipient(
    tenant: Tenant, session: Session, campaign: Campaign
) -> None:
    subscribed = make_endpoint(
        tenant.account, subscriptions=["message_updated", "recipient_updated"]
    )
    own = make_endpoint(tenant.account, inbox_id=tenant.inbox.id)

    report(tenant, "delivered")

    told = {
        event.type: json.loads(event.payload) for event in session.scalars(select(WebhookEvent))
    }
    assert told["message_updated"]["changed_attributes"] == [
        {"status": {"previous_value": "sent", "current_value": "delivered"}}
    ]
    assert told["message_updated"]["conversation"]["meta"]["sender"]["name"] == "Ada"
    assert told["recipient_updated"]["change"] == "delivered"
    addressed = session.scalars(select(WebhookDelivery.endpoint_id)).all()
    assert sorted(addressed) == sorted([subscribed.id, subscribed.id, own.id])


def test_a_report_that_comes_late_or_twice_changes_and_tells_nothing(
    tenant: Tenant, session: Session, campaign: Campaign
) -> None:
    make_endpoint(tenant.account, subscriptions=["message_updated", "recipient_updated"])
    report(tenant, "read")
    before = len(session.scalars(select(WebhookEvent.id)).all())

    for status in ("read", "delivered", "failed", "sent"):
        assert report(tenant, status)["status"] == "read"

    assert len(session.scalars(select(WebhookEvent.id)).all()) == before


def test_why_a_message_failed_is_told_until_it_turns_out_that_it_did_not(
    tenant: Tenant, session: Session, campaign: Campaign
) -> None:
    failed = report(tenant, "failed", external_error="Mailbox full")
    error = session.scalars(select(CampaignRecipient.error)).one()
    delivered = report(tenant, "delivered")

    assert failed["content_attributes"] == {"external_error": "Mailbox full"}
    assert error == "Mailbox full"
    assert delivered["content_attributes"] == {}


def test_a_message_outlives_its_campaign(
    tenant: Tenant, session: Session, campaign: Campaign
) -> None:
    make_endpoint(tenant.account, subscriptions=["message_updated"])
    path = path_of_message()
    session.delete(session.get_one(Campaign, campaign.id))
    session.commit()

    answer = tenant.program.patch(f"/api/v1/{path}", json={"status": "read"})

    assert (answer.status_code, answer.get_json()["status"]) == (200, "read")
    assert session.scalars(select(WebhookEvent)).all() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "lost"}, "status"),
        ({"status": 1}, "status"),
        ({"status": "failed", "external_error": 7}, "external_error"),
        ({"status": "failed", "external_error": "x" * 1001}, "external_error"),
        ({"status": "failed", "external_error": "\x00"}, "external_error"),
    ],
)
def test_a_report_that_is_wrong_is_named(
    tenant: Tenant, campaign: Campaign, body: dict[str, Any], field: str
) -> None:
    answer = tenant.program.patch(f"/api/v1/{path_of_message()}", json=body)

    assert (answer.status_code, answer.get_json()["attributes"]) == (422, [field])


def test_another_accounts_message_is_not_found(
    tenant: Tenant, stranger: Tenant, campaign: Campaign
) -> None:
    path = f"/api/v1/{path_of_message()}"

    assert stranger.program.patch(path, json={"status": "read"}).status_code == 404
    assert tenant.program.patch(f"{path}0", json={"status": "read"}).status_code == 404
