"""Campaigns through the API: shapes, rules, lists."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.inboxes.models import Channel
from tests.api.conftest import Tenant
from tests.factories import make_campaign, make_contact, make_label, make_user
from tests.statements import CountQueries

CAMPAIGNS = "/api/v1/campaigns"
INSTANT = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)
UNIX = int(INSTANT.timestamp())


def test_a_campaign_is_made_and_shown(tenant: Tenant) -> None:
    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(description="For friends"))

    assert answer.status_code == 200
    assert answer.json == tenant.program.get(f"{CAMPAIGNS}/1").json
    assert (answer.json or {}).items() >= {
        "id": 1,
        "title": "Summer Promotion",
        "description": "For friends",
        "account_id": tenant.account.id,
        "sender": {},
        "template_params": None,
        "campaign_status": "active",
        "enabled": True,
        "campaign_type": "one_off",
        "scheduled_at": UNIX,
        "audience": [{"type": "Label", "id": tenant.label.id}],
        "trigger_rules": {},
        "trigger_only_during_business_hours": False,
        "phase": "scheduled",
        "started_at": None,
        "finished_at": None,
    }.items()


def test_instants_of_the_row_are_iso_8601_in_milliseconds(session: Session, tenant: Tenant) -> None:
    made = datetime(2030, 5, 6, 7, 8, 9, 123999, tzinfo=UTC)
    make_campaign(tenant.account, tenant.label, created_at=made, updated_at=made)

    shown = tenant.program.get(f"{CAMPAIGNS}/1").json or {}

    assert shown["created_at"] == shown["updated_at"] == "2030-05-06T07:08:09.123Z"


def test_the_same_attributes_may_come_wrapped(tenant: Tenant) -> None:
    answer = tenant.program.post(CAMPAIGNS, json={"campaign": tenant.body(title="Wrapped")})

    assert (answer.json or {})["title"] == "Wrapped"


def test_the_path_with_the_account_does_the_same(tenant: Tenant) -> None:
    long_path = f"/api/v1/accounts/{tenant.account.id}/campaigns"

    made = tenant.program.post(long_path, json=tenant.body())

    assert tenant.program.get(f"{long_path}/1").json == made.json
    assert tenant.program.get(f"{CAMPAIGNS}/1").json == made.json


def test_what_may_not_be_set_is_ignored(tenant: Tenant) -> None:
    forbidden = {"campaign_status": "completed", "campaign_type": "ongoing", "display_id": 77}

    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(**forbidden, shoe_size=43))

    shown = answer.json or {}
    assert (shown["campaign_status"], shown["campaign_type"]) == ("active", "one_off")
    assert shown["id"] == 1


@pytest.mark.parametrize(
    "given",
    ["2031-01-02T03:04:05Z", "2031-01-02T05:04:05+02:00", "2031-01-02T03:04:05", UNIX],
    ids=["zulu", "offset", "no zone is UTC", "unix seconds"],
)
def test_a_time_may_be_written_in_several_ways(tenant: Tenant, given: str | int) -> None:
    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(scheduled_at=given))

    assert (answer.json or {})["scheduled_at"] == UNIX


def test_the_sender_is_shown_as_an_agent(tenant: Tenant) -> None:
    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(sender_id=tenant.user.id))

    sender = (answer.json or {})["sender"]
    assert sender["email"] == tenant.user.email
    assert sender["role"] == "administrator"
    assert sender["account_id"] == tenant.account.id


def test_the_inbox_is_shown_without_any_secret(session: Session, tenant: Tenant) -> None:
    channel = session.get_one(Channel, tenant.inbox.channel_id)
    channel.settings = {"webhook_url": "https://example.com/hook", "auth_token": "hush"}
    channel.secrets = "hush"
    session.commit()

    answer = tenant.program.post(CAMPAIGNS, json=tenant.body())

    inbox = (answer.json or {})["inbox"]
    assert inbox["id"] == tenant.inbox.id
    assert inbox["channel_type"] == "Channel::Api"
    assert inbox["webhook_url"] == "https://example.com/hook"
    assert "hush" not in answer.text


@pytest.mark.parametrize(
    ("wrong", "message", "attributes"),
    [
        ({"title": " "}, "Title can't be blank", ["title"]),
        (
            {"title": "", "message": ""},
            "Title can't be blank, Message can't be blank",
            ["title", "message"],
        ),
        ({"inbox_id": None}, "Inbox must exist", ["inbox_id"]),
        (
            {"scheduled_at": "2020-01-01T00:00:00Z"},
            "Scheduled at must be in the future",
            ["scheduled_at"],
        ),
        (
            {"audience": []},
            "Audience must name at least one label of the account",
            ["audience"],
        ),
    ],
)
def test_what_the_rules_refuse_is_named(
    session: Session, tenant: Tenant, wrong: dict[str, Any], message: str, attributes: list[str]
) -> None:
    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(**wrong))

    assert answer.status_code == 422
    assert answer.json == {"message": message, "attributes": attributes}
    assert session.scalars(select(Campaign)).all() == []


@pytest.mark.parametrize("body", [{}, {"campaign": {}}, {"campaign": None}, None])
def test_a_body_without_a_campaign_is_refused(tenant: Tenant, body: Any) -> None:
    answer = tenant.program.post(CAMPAIGNS, **({} if body is None else {"json": body}))

    assert answer.status_code == 422
    assert answer.json == {"error": "param is missing or the value is empty: campaign"}


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_change_changes_what_it_names_only(tenant: Tenant, method: str) -> None:
    before = tenant.program.post(CAMPAIGNS, json=tenant.body()).json or {}

    answer = getattr(tenant.program, method)(f"{CAMPAIGNS}/1", json={"title": "Autumn"})

    assert answer.status_code == 200
    changed = {name for name, value in (answer.json or {}).items() if value != before[name]}
    assert changed == {"title", "updated_at"}


def test_a_campaign_that_has_started_cannot_be_changed(tenant: Tenant, session: Session) -> None:
    make_campaign(tenant.account, tenant.label, campaign_status=1)

    answer = tenant.program.patch(f"{CAMPAIGNS}/1", json={"title": "Too late"})

    assert answer.status_code == 422
    assert answer.json == {
        "message": "Status The campaign is already completed",
        "attributes": ["status"],
    }


def test_a_deleted_campaign_is_gone(tenant: Tenant) -> None:
    tenant.program.post(CAMPAIGNS, json=tenant.body())

    answer = tenant.program.delete(f"{CAMPAIGNS}/1")

    assert (answer.status_code, answer.data) == (200, b"")
    assert tenant.program.get(f"{CAMPAIGNS}/1").status_code == 404


@pytest.mark.parametrize("number", ["7", "0", "2147483648", "9" * 5000, "-1", "x", "1.0"])
@pytest.mark.parametrize("method", ["get", "patch", "put", "delete"])
def test_a_campaign_that_does_not_exist_is_not_found(
    tenant: Tenant, method: str, number: str
) -> None:
    answer = getattr(tenant.program, method)(f"{CAMPAIGNS}/{number}", json={"title": "x"})

    assert (answer.status_code, answer.json) == (404, {"error": "Resource could not be found"})


def test_a_repeated_request_with_the_same_key_makes_one_campaign(tenant: Tenant) -> None:
    answers = [
        tenant.program.post(CAMPAIGNS, json=tenant.body(), headers={"Idempotency-Key": key})
        for key in ('"order-7"', "order-7", '"order-8"')
    ]

    assert [(answer.json or {})["id"] for answer in answers] == [1, 1, 2]


@pytest.mark.parametrize("key", ["", '""', "a b", "a" * 256, "é"])
def test_a_key_that_cannot_be_kept_is_refused(tenant: Tenant, key: str) -> None:
    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(), headers={"Idempotency-Key": key})

    assert answer.status_code == 422
    assert (answer.json or {})["attributes"] == ["Idempotency-Key"]


def test_the_list_is_a_bare_array_newest_first(tenant: Tenant) -> None:
    for title in ("First", "Second"):
        tenant.program.post(CAMPAIGNS, json=tenant.body(title=title))

    answer = tenant.program.get(CAMPAIGNS)

    assert [campaign["title"] for campaign in answer.json or []] == ["Second", "First"]
    assert answer.headers["X-Total-Count"] == "2"


def test_a_list_comes_in_pages_that_name_each_other(tenant: Tenant) -> None:
    for _ in range(3):
        make_campaign(tenant.account, tenant.label, inbox_id=tenant.inbox.id)

    answer = tenant.program.get(f"{CAMPAIGNS}?page=2&per_page=1")

    assert [campaign["id"] for campaign in answer.json or []] == [2]
    for number, relation in ((1, "prev"), (3, "next")):
        link = f'/api/v1/campaigns?page={number}&per_page=1>; rel="{relation}"'
        assert link in answer.headers["Link"]


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "per_page=101", "per_page=", "page=" + "9" * 40]
)
def test_a_page_that_cannot_be_is_refused(tenant: Tenant, query: str) -> None:
    answer = tenant.program.get(f"{CAMPAIGNS}?{query}")

    assert answer.status_code == 422
    assert (answer.json or {})["attributes"] == [query.partition("=")[0]]


def test_the_list_makes_the_same_number_of_queries_whatever_its_length(
    tenant: Tenant, count_queries: CountQueries
) -> None:
    # The first request of a minute notes the token's use, the others do not.
    tenant.program.get(CAMPAIGNS)
    counts = []

    for _ in range(2):
        for _ in range(3):
            sender = make_user(tenant.account)
            make_campaign(tenant.account, make_label(tenant.account), sender_id=sender.id)
        counts.append(count_queries(lambda: tenant.program.get(CAMPAIGNS)))

    assert counts[0] == counts[1] <= 10


def test_a_finished_campaign_shows_its_counts(tenant: Tenant) -> None:
    campaign = make_campaign(tenant.account, tenant.label, inbox_id=tenant.inbox.id)
    make_contact(tenant.account, tenant.label)
    make_contact(tenant.account, tenant.label, blocked=True)
    execute_campaign(campaign.id)
    deliver_batches()

    shown = tenant.program.get(f"{CAMPAIGNS}/1").json or {}

    assert (shown["phase"], shown["campaign_status"]) == ("finished", "completed")
    assert {state: n for state, n in shown["counts"].items() if n} == {
        "total": 2,
        "sent": 1,
        "skipped": 1,
    }
