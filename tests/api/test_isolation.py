"""Nobody sees, changes or removes what is another account's, whichever way they ask."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign
from tests.api.conftest import Tenant
from tests.factories import make_campaign, make_contact

ACTIONS = ("get", "patch", "put", "delete")
CHANGE = {"title": "Taken over"}


@pytest.mark.parametrize("action", ACTIONS)
def test_another_accounts_campaign_is_not_found(
    tenant: Tenant, stranger: Tenant, session: Session, action: str
) -> None:
    make_campaign(stranger.account, stranger.label)
    theirs = make_campaign(stranger.account, stranger.label, title="Theirs")
    make_campaign(tenant.account, tenant.label)

    answer = getattr(tenant.program, action)(f"/api/v1/campaigns/{theirs.display_id}", json=CHANGE)

    assert (answer.status_code, answer.json) == (404, {"error": "Resource could not be found"})
    assert _titles(session, stranger) == ["Summer Promotion", "Theirs"]


@pytest.mark.parametrize("action", [*ACTIONS, "post"])
def test_another_accounts_path_is_refused(
    tenant: Tenant, stranger: Tenant, session: Session, action: str
) -> None:
    make_campaign(stranger.account, stranger.label, title="Theirs")
    path = f"/api/v1/accounts/{stranger.account.id}/campaigns"

    answer = getattr(tenant.program, action)(
        path if action == "post" else f"{path}/1", json=stranger.body()
    )

    assert answer.status_code == 401
    assert answer.json == {"error": "You are not authorized to access this account"}
    assert _titles(session, stranger) == ["Theirs"]


def test_the_list_holds_ones_own_only(tenant: Tenant, stranger: Tenant) -> None:
    make_campaign(stranger.account, stranger.label)

    answer = tenant.program.get("/api/v1/campaigns")

    assert answer.json == []
    assert answer.headers["X-Total-Count"] == "0"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("inbox_id", "Inbox must belong to the same account as the campaign"),
        ("sender_id", "Sender must belong to the same account as the campaign"),
        ("audience", "Audience must name at least one label of the account"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_what_is_another_accounts_cannot_be_used(
    tenant: Tenant, stranger: Tenant, field: str, message: str, is_new: bool
) -> None:
    theirs: dict[str, Any] = stranger.body(sender_id=stranger.user.id)
    make_campaign(tenant.account, tenant.label, scheduled_at=None)

    if is_new:
        body = tenant.body(**{field: theirs[field]})
        answer = tenant.program.post("/api/v1/campaigns", json=body)
    else:
        answer = tenant.program.patch("/api/v1/campaigns/1", json={field: theirs[field]})

    assert answer.status_code == 422
    assert answer.json == {"message": message, "attributes": [field]}


@pytest.mark.parametrize("part", ["audience", "audience/why?q=ada"])
def test_another_accounts_audience_is_not_found(
    tenant: Tenant, stranger: Tenant, part: str
) -> None:
    make_campaign(stranger.account, stranger.label)

    answer = tenant.program.get(f"/api/v1/campaigns/1/{part}")

    assert (answer.status_code, answer.json) == (404, {"error": "Resource could not be found"})


def test_another_accounts_contact_is_not_explained(tenant: Tenant, stranger: Tenant) -> None:
    theirs = make_contact(stranger.account, stranger.label, name="Ada")
    make_campaign(tenant.account, tenant.label)

    for search in ("ada", str(theirs.id)):
        answer = tenant.program.get(f"/api/v1/campaigns/1/audience/why?q={search}")
        assert answer.json == {"payload": [], "has_more": False}


@pytest.mark.parametrize("field", ["inbox_id", "audience"])
def test_another_accounts_audience_is_not_counted(
    tenant: Tenant, stranger: Tenant, field: str
) -> None:
    make_contact(stranger.account, stranger.label)
    body = tenant.body(**{field: stranger.body()[field]})

    answer = tenant.program.post("/api/v1/campaigns/audience", json=body)

    assert (answer.status_code, (answer.json or {})["attributes"]) == (422, [field])


def test_another_accounts_label_adds_nobody(tenant: Tenant, stranger: Tenant) -> None:
    make_contact(stranger.account, stranger.label)
    make_contact(tenant.account, tenant.label)
    labels = [*tenant.body()["audience"], *stranger.body()["audience"]]

    answer = tenant.program.post("/api/v1/campaigns/audience", json=tenant.body(audience=labels))

    assert (answer.json or {})["matched"] == 1


def test_the_same_key_in_another_account_makes_a_campaign_there(
    tenant: Tenant, stranger: Tenant
) -> None:
    headers = {"Idempotency-Key": "order-7"}
    tenant.program.post("/api/v1/campaigns", json=tenant.body(title="Ours"), headers=headers)

    answer = stranger.program.post(
        "/api/v1/campaigns", json=stranger.body(title="Theirs"), headers=headers
    )

    assert (answer.json or {})["title"] == "Theirs"


def _titles(session: Session, tenant: Tenant) -> list[str]:
    session.rollback()
    return list(
        session.scalars(
            select(Campaign.title)
            .where(Campaign.account_id == tenant.account.id)
            .order_by(Campaign.id)
        )
    )
