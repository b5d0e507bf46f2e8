"""What endpoints are told of campaigns and recipients."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as engine_event
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns import control
from campaigns_app.campaigns.announcing import announce_recipients
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.contacts.models import Label
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.webhooks.campaign_events import RecipientChange
from campaigns_app.webhooks.events import CAMPAIGN_EVENTS, RECIPIENT_UPDATED
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from tests.factories import make_account, make_campaign, make_contact, make_endpoint, make_label


@pytest.fixture
def account(session: Session) -> Account:
    return make_account(name="Acme")


@pytest.fixture
def label(account: Account) -> Label:
    return make_label(account)


@pytest.fixture
def endpoint(account: Account) -> WebhookEndpoint:
    """Told of everything about campaigns, and of nothing else."""
    return make_endpoint(account, subscriptions=[*CAMPAIGN_EVENTS, RECIPIENT_UPDATED])


def told(session: Session) -> list[dict[str, Any]]:
    payloads = session.scalars(select(WebhookEvent.payload).order_by(WebhookEvent.id))
    return [json.loads(payload) for payload in payloads]


def run(campaign: Campaign) -> None:
    execute_campaign(campaign.id)
    deliver_batches()


def test_a_campaign_is_told_when_it_starts_and_when_it_finishes(
    session: Session, account: Account, label: Label, endpoint: WebhookEndpoint
) -> None:
    make_contact(account, label)
    make_contact(account, label, blocked=True)
    campaign = make_campaign(account, label)

    run(campaign)

    started, finished = told(session)
    session.refresh(campaign)
    assert (started["event"], finished["event"]) == ("campaign_started", "campaign_finished")
    assert started["campaign"]["id"] == campaign.display_id
    assert started["campaign"]["phase"] == "sending"
    assert started["campaign"]["counts"]["pending"] == 1
    assert finished["campaign"]["phase"] == "finished"
    assert (
        finished["campaign"]["counts"] | {"total": 2, "sent": 1, "skipped": 1}
        == (finished["campaign"]["counts"])
    )
    assert campaign.finished_at is not None
    assert finished["campaign"]["finished_at"] == int(campaign.finished_at.timestamp())


def test_a_campaign_without_recipients_is_told_as_started_and_finished(
    session: Session, account: Account, label: Label, endpoint: WebhookEndpoint
) -> None:
    run(make_campaign(account, label))

    assert [one["event"] for one in told(session)] == ["campaign_started", "campaign_finished"]


def test_running_a_campaign_again_tells_nothing_again(
    session: Session, account: Account, label: Label, endpoint: WebhookEndpoint
) -> None:
    make_contact(account, label)
    campaign = make_campaign(account, label)

    run(campaign)
    run(campaign)

    assert len(told(session)) == 2


def test_pausing_and_cancelling_are_told_once_each(
    session: Session, account: Account, label: Label, endpoint: WebhookEndpoint
) -> None:
    campaign = make_campaign(account, label)

    for _ in range(2):
        control.pause_campaign(account, campaign.display_id, actor=None)
    for _ in range(2):
        control.cancel_campaign(account, campaign.display_id, actor=None, now=utcnow())

    assert [(one["event"], one["campaign"]["phase"]) for one in told(session)] == [
        ("campaign_paused", "paused"),
        ("campaign_cancelled", "cancelled"),
    ]


def test_a_recipient_who_failed_is_told_with_the_reason(
    session: Session, account: Account, label: Label, endpoint: WebhookEndpoint
) -> None:
    good, bad = make_contact(account, label), make_contact(account, label, name="Bad")
    message = (
        "{% if contact.name == 'Bad' %}{% for i in (1..100000) %}{{ i }}{% endfor %}{% endif %}Hi"
    )
    campaign = make_campaign(account, label, message=message)

    run(campaign)

    [payload] = [one for one in told(session) if one["event"] == "recipient_updated"]
    assert (payload["change"], payload["campaign"]["id"]) == ("failed", campaign.display_id)
    assert payload["recipient"]["contact_id"] == bad.id != good.id
    assert payload["recipient"]["state"] == "failed"
    assert payload["recipient"]["reason"] == "rendering_failed"


def test_what_a_provider_tells_of_a_recipient_can_be_passed_on(
    session: Session, account: Account, label: Label, endpoint: WebhookEndpoint
) -> None:
    campaign = make_campaign(account, label)
    changes = [
        RecipientChange(1, "delivered", "delivered", provider_message_id="SM1"),
        RecipientChange(2, "read", "read"),
        RecipientChange(3, "replied", "delivered"),
    ]

    announce_recipients(session, account.id, campaign.id, changes)
    session.commit()

    assert [(one["change"], one["recipient"]["state"]) for one in told(session)] == [
        ("delivered", "delivered"),
        ("read", "read"),
        ("replied", "delivered"),
    ]
    assert len(session.scalars(select(WebhookDelivery)).all()) == 3


def test_without_a_subscriber_nothing_is_told_and_nothing_counted(
    app: Flask, session: Session, account: Account, label: Label
) -> None:
    make_endpoint(account, subscriptions=["contact_created"])
    campaign = make_campaign(account, label)
    statements: list[str] = []
    engine_event.listen(db.engine, "before_cursor_execute", lambda *c: statements.append(c[2]))

    control.pause_campaign(account, campaign.display_id, actor=None)

    assert told(session) == []
    assert not [one for one in statements if "FROM campaign_batches" in one]


def test_who_wants_contacts_only_costs_a_campaign_no_events(
    session: Session, account: Account, label: Label
) -> None:
    make_endpoint(account, subscriptions=["contact_created"])
    make_contact(account, label)

    run(make_campaign(account, label))

    assert told(session) == []
