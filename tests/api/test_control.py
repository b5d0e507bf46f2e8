"""Pausing, resuming, cancelling and running again through the API."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from campaigns_app.accounts.models import AuditEntry
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from tests.api.conftest import Tenant
from tests.factories import make_campaign, make_contact

CAMPAIGNS = "/api/v1/campaigns"
DEEDS = ("pause", "resume", "cancel")


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    """A campaign that is due."""
    make_contact(tenant.account, tenant.label)
    return make_campaign(tenant.account, tenant.label, inbox_id=tenant.inbox.id)


@pytest.fixture
def failed(campaign: Campaign, session: Session) -> Campaign:
    """A campaign that is over, whose one recipient failed."""
    execute_campaign(campaign.id)
    deliver_batches()
    session.execute(update(CampaignRecipient).values(state="failed"))
    session.execute(update(CampaignBatch).values(sent=0, failed=1))
    session.commit()
    return campaign


def run_again(tenant: Tenant, body: dict[str, Any], **headers: str) -> TestResponse:
    return tenant.program.post(f"{CAMPAIGNS}/1/run_again", json=body, headers=headers)


def settle(tenant: Tenant, contact_id: int, body: dict[str, Any]) -> TestResponse:
    return tenant.program.post(f"{CAMPAIGNS}/1/recipients/{contact_id}/settle", json=body)


@pytest.fixture
def unknown(failed: Campaign, session: Session) -> int:
    """The contact to whom a message may have gone out, or not."""
    session.execute(update(CampaignRecipient).values(state="unknown", reason="no_answer"))
    session.execute(update(CampaignBatch).values(failed=0, unknown=1))
    session.commit()
    return session.scalars(select(CampaignRecipient.contact_id)).one()


@pytest.mark.parametrize("state", ["sent", "failed"])
def test_an_unknown_recipient_is_settled_once(tenant: Tenant, unknown: int, state: str) -> None:
    first = settle(tenant, unknown, {"state": state})
    second = settle(tenant, unknown, {"state": state})

    assert first.status_code == 200
    assert (first.json or {})["counts"][state] == 1
    assert (second.status_code, (second.json or {})["attributes"]) == (422, ["status"])


@pytest.mark.parametrize("body", [{}, {"state": "read"}, {"state": 3}])
def test_nothing_else_can_be_said_of_an_unknown_recipient(
    tenant: Tenant, unknown: int, body: dict[str, Any]
) -> None:
    answer = settle(tenant, unknown, body)

    assert (answer.status_code, (answer.json or {})["attributes"]) == (422, ["state"])


def test_who_is_no_recipient_cannot_be_settled(
    tenant: Tenant, stranger: Tenant, unknown: int
) -> None:
    assert settle(tenant, unknown + 1, {"state": "sent"}).status_code == 404
    assert settle(stranger, unknown, {"state": "sent"}).status_code == 404


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("form", [CAMPAIGNS, "/api/v1/accounts/{account}/campaigns"])
def test_a_campaign_is_paused_resumed_and_cancelled(
    tenant: Tenant, campaign: Campaign, session: Session, started: bool, form: str
) -> None:
    if started:
        execute_campaign(campaign.id)
    path = f"{form.format(account=tenant.account.id)}/1"

    phases = [
        (tenant.program.post(f"{path}/{deed}").json or {})["phase"]
        for deed in ("pause", "pause", "resume", "resume", "cancel", "cancel")
    ]

    on = "sending" if started else "scheduled"
    assert phases == ["paused", "paused", on, on, "cancelled", "cancelled"]
    actions = session.scalars(
        select(AuditEntry.action).filter_by(subject_id=campaign.id).order_by(AuditEntry.id)
    ).all()
    assert actions == ["campaign.paused", "campaign.resumed", "campaign.cancelled"]


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_over_is_refused_with_the_reason(
    tenant: Tenant, failed: Campaign, deed: str
) -> None:
    answer = tenant.program.post(f"{CAMPAIGNS}/1/{deed}")

    assert answer.status_code == 422
    assert answer.json == {"message": "The campaign is over", "attributes": ["status"]}


@pytest.mark.parametrize("deed", [*DEEDS, "run_again"])
def test_another_accounts_campaign_is_not_found(
    tenant: Tenant, stranger: Tenant, campaign: Campaign, deed: str
) -> None:
    answer = stranger.program.post(f"{CAMPAIGNS}/1/{deed}", json={"for": "new"})

    assert answer.status_code == 404


@pytest.mark.parametrize("enabled", [True, False])
def test_a_campaign_under_way_is_neither_changed_nor_deleted(
    tenant: Tenant, campaign: Campaign, session: Session, enabled: bool
) -> None:
    execute_campaign(campaign.id)
    campaign.enabled = enabled
    session.commit()

    changed = tenant.program.patch(f"{CAMPAIGNS}/1", json={"title": "Other"})
    deleted = tenant.program.delete(f"{CAMPAIGNS}/1")

    for answer in (changed, deleted):
        assert answer.status_code == 422
        assert "campaign is" in (answer.json or {})["message"]
    assert tenant.program.get(f"{CAMPAIGNS}/1").status_code == 200


def test_a_campaign_is_run_again(tenant: Tenant, failed: Campaign) -> None:
    answer = run_again(tenant, {"for": "failed"})

    assert answer.status_code == 200
    assert (answer.json or {}).items() >= {
        "id": 2,
        "title": "Summer Promotion (again: failed)",
        "message": failed.message,
        "follows": {"id": 1, "for": "failed"},
        "phase": "scheduled",
    }.items()
    assert [one["follows"] for one in tenant.program.get(CAMPAIGNS).json or []] == [
        {"id": 1, "for": "failed"},
        None,
    ]


def test_a_follow_up_may_have_its_own_words_and_time(tenant: Tenant, failed: Campaign) -> None:
    own = {"title": "Sorry", "message": "Once more", "scheduled_at": 2_000_000_000}

    answer = run_again(tenant, {"for": "failed"} | own)

    assert (answer.json or {}).items() >= own.items()


@pytest.mark.parametrize("body", [{}, {"for": "sent"}, {"for": ["failed"]}, {"for": None}])
def test_for_whom_must_be_said(tenant: Tenant, failed: Campaign, body: dict[str, Any]) -> None:
    answer = run_again(tenant, body)

    assert answer.status_code == 422
    assert (answer.json or {})["attributes"] == ["for"]


def test_nobody_left_is_refused(tenant: Tenant, failed: Campaign) -> None:
    answer = run_again(tenant, {"for": "unknown"})

    assert answer.status_code == 422
    assert "nobody left who is unknown" in (answer.json or {})["message"]


def test_a_campaign_that_is_not_over_is_not_run_again(tenant: Tenant, campaign: Campaign) -> None:
    answer = run_again(tenant, {"for": "new"})

    assert answer.status_code == 422
    assert "not over" in (answer.json or {})["message"]


def test_a_second_press_names_the_follow_up_that_is_there(tenant: Tenant, failed: Campaign) -> None:
    run_again(tenant, {"for": "failed"})

    answer = run_again(tenant, {"for": "failed"})

    assert answer.status_code == 409
    assert (answer.json or {})["id"] == 2
    assert "follow-up" in (answer.json or {})["message"]


def test_a_repeated_request_gets_the_same_follow_up(tenant: Tenant, failed: Campaign) -> None:
    key = {"Idempotency-Key": "once"}
    answers = [run_again(tenant, {"for": "failed"}, **key) for _ in range(2)]

    assert [(answer.json or {})["id"] for answer in answers] == [2, 2]


@pytest.mark.parametrize("change", [{"title": "Another"}, {"enabled": False}])
def test_a_key_with_another_body_is_refused(tenant: Tenant, change: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "order-7"}
    tenant.program.post(CAMPAIGNS, json=tenant.body(), headers=key)

    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(**change), headers=key)

    assert answer.status_code == 422
    assert (answer.json or {})["attributes"] == ["Idempotency-Key"]
    assert "another body" in (answer.json or {})["message"]


def test_a_key_of_a_creation_is_none_of_a_follow_up(tenant: Tenant, failed: Campaign) -> None:
    tenant.program.post(CAMPAIGNS, json=tenant.body(), headers={"Idempotency-Key": "order-7"})

    answer = run_again(tenant, {"for": "failed"}, **{"Idempotency-Key": "order-7"})

    assert answer.status_code == 422


def test_the_same_body_written_otherwise_is_the_same(tenant: Tenant) -> None:
    key = {"Idempotency-Key": "order-7"}
    body = tenant.body()
    first = tenant.program.post(CAMPAIGNS, json=body, headers=key)

    path = f"/api/v1/accounts/{tenant.account.id}/campaigns"
    turned = {"campaign": dict(reversed(body.items()))}
    again = tenant.program.post(path, json=turned, headers=key)

    assert (again.status_code, again.json) == (200, first.json)
