"""Monitoring reads what the stores say, and nobody else does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app import create_app
from campaigns_app.campaigns import leases
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch
from campaigns_app.campaigns.states import Phase
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from tests.conftest import TEST_SETTINGS
from tests.factories import (
    LONG_AGO,
    make_account,
    make_campaign,
    make_contact,
    make_endpoint,
    make_label,
)
from tests.statements import noted_statements

TOKEN = "a token for tests only"
NOWHERE = "redis://127.0.0.1:1/0"

Read = Callable[[], dict[str, float]]


@pytest.fixture
def read(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads the measures: each by its name, with its label's value behind a colon."""
    monkeypatch.setitem(app.config, "METRICS_TOKEN", TOKEN)
    return lambda: read_with(client)


def read_with(client: FlaskClient) -> dict[str, float]:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        ":".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def make_ready(contacts: int = 3, **values: Any) -> Campaign:
    account = make_account()
    label = make_label(account)
    for _ in range(contacts):
        make_contact(account, label)
    return make_campaign(account, label, **values)


def test_without_a_token_in_the_settings_there_are_no_measures(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer another token", f"Basic {TOKEN}", "é"])
def test_who_does_not_have_the_token_is_refused(
    read: Read, client: FlaskClient, given: str
) -> None:
    answer = client.get("/metrics", headers={"Authorization": given})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "campaigns_" not in answer.text


def test_a_system_at_rest_is_well(read: Read) -> None:
    measures = read()

    assert measures["campaigns_database_up"] == measures["campaigns_redis_up"] == 1
    assert not any(value for name, value in measures.items() if not name.endswith("_up"))


def test_it_says_what_is_being_sent(read: Read, session: Session) -> None:
    execute_campaign(make_ready(contacts=3).id)
    leases.take_batch(session, "worker", lease_seconds=20)

    measures = read()

    assert measures["campaigns_campaigns:sending"] == 1
    assert measures["campaigns_recipients:pending"] == 3
    assert (measures["campaigns_batches_open"], measures["campaigns_batches_free"]) == (1, 0)
    assert measures["campaigns_queue_jobs:campaigns"] == 1


def test_it_says_how_long_a_batch_has_been_left_alone(read: Read, session: Session) -> None:
    execute_campaign(make_ready().id)
    past = utcnow() - timedelta(hours=1)
    session.execute(update(CampaignBatch).values(lease_owner="dead", lease_expires_at=past))
    session.commit()

    measures = read()

    assert measures["campaigns_batches_free"] == 1
    assert 3600 <= measures["campaigns_batches_free_oldest_seconds"] < 3700


def test_it_says_that_a_due_campaign_was_not_started(read: Read) -> None:
    make_ready(scheduled_at=utcnow() - timedelta(minutes=10))
    make_ready(scheduled_at=utcnow() + timedelta(minutes=10))

    measures = read()

    assert measures["campaigns_campaigns_overdue"] == 1
    assert 600 <= measures["campaigns_campaigns_overdue_oldest_seconds"] < 700


@pytest.mark.parametrize(
    ("values", "phase"),
    [
        ({}, Phase.SCHEDULED),
        ({"enabled": False}, Phase.PAUSED),
        ({"started_at": LONG_AGO}, Phase.SENDING),
        ({"started_at": LONG_AGO, "enabled": False}, Phase.PAUSED),
        ({"started_at": LONG_AGO, "finished_at": LONG_AGO, "enabled": False}, Phase.FINISHED),
        ({"started_at": LONG_AGO, "cancelled_at": LONG_AGO}, Phase.CANCELLED),
        ({"started_at": LONG_AGO, "failure": "The inbox is disabled"}, Phase.FAILED),
    ],
)
def test_phases_are_what_the_campaigns_say(
    read: Read, values: dict[str, Any], phase: Phase
) -> None:
    campaign = make_ready(**values)

    counted = {
        name for name, value in read().items() if name.startswith("campaigns_campaigns:") and value
    }

    assert campaign.phase is phase
    assert counted == {f"campaigns_campaigns:{phase}"}


def test_it_says_how_many_webhooks_wait(read: Read, session: Session) -> None:
    campaign = make_ready(contacts=3)
    make_endpoint(campaign.account)
    execute_campaign(campaign.id)
    deliver_batches()

    measures = read()

    assert measures["campaigns_webhook_deliveries_waiting"] == 6
    assert 0 <= measures["campaigns_webhook_deliveries_waiting_oldest_seconds"] < 60


def test_it_says_that_a_promise_is_broken(read: Read, session: Session) -> None:
    execute_campaign(make_ready().id)
    session.execute(update(CampaignBatch).values(pending=2))
    session.commit()

    assert read()["campaigns_invariant_broken:counters_sum_to_total"] == 1


def test_it_asks_the_same_whatever_there_is(read: Read, session: Session) -> None:
    def count() -> int:
        with noted_statements() as statements:
            read()
        return len(statements)

    before = count()
    for _ in range(3):
        execute_campaign(make_ready().id)

    assert before == count()


def test_without_redis_the_database_is_still_told(app: Flask) -> None:
    settings = {**TEST_SETTINGS, "DATABASE_URL": app.config["DATABASE_URL"], "REDIS_URL": NOWHERE}
    degraded = create_app(settings, METRICS_TOKEN=TOKEN)

    measures = read_with(degraded.test_client())

    assert (measures["campaigns_database_up"], measures["campaigns_redis_up"]) == (1, 0)
    assert "campaigns_workers" not in measures
    with degraded.app_context():
        db.engine.dispose()


def test_without_the_database_redis_is_still_told(app: Flask) -> None:
    lost = "sqlite:////nowhere/at/all.sqlite3"
    settings = {**TEST_SETTINGS, "DATABASE_URL": lost, "REDIS_URL": app.config["REDIS_URL"]}

    measures = read_with(create_app(settings, METRICS_TOKEN=TOKEN).test_client())

    assert (measures["campaigns_database_up"], measures["campaigns_redis_up"]) == (0, 1)
    assert "campaigns_batches_open" not in measures
