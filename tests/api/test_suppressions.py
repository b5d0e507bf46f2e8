"""Programs list, add and remove what must not be messaged, in their own account only."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.contacts.models import Suppression
from tests.api.conftest import Tenant
from tests.factories import make_suppression

PATH = "/api/v1/suppressions"
NUMBER = "+14155550123"


def addresses(session: Session, tenant: Tenant) -> list[str]:
    session.rollback()
    own = select(Suppression.address).where(Suppression.account_id == tenant.account.id)
    return list(session.scalars(own.order_by(Suppression.id)))


@pytest.mark.parametrize("prefix", [PATH, "/api/v1/accounts/{}/suppressions"])
def test_an_address_is_added_listed_and_removed(
    tenant: Tenant, session: Session, prefix: str
) -> None:
    path = prefix.format(tenant.account.id)
    made = tenant.program.post(path, json={"address": "+1 (415) 555-0123", "note": "asked"})
    shown: dict[str, Any] = made.json or {}

    assert made.status_code == 200
    assert (shown["address"], shown["source"], shown["note"]) == (NUMBER, "manual", "asked")
    assert tenant.program.get(path).json == [shown]

    assert tenant.program.delete(f"{path}/{shown['id']}").status_code == 200
    assert addresses(session, tenant) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "address"),
        ({"address": "nobody"}, "address"),
        ({"address": 14155550123}, "address"),
        ({"address": "a\x00@example.com"}, "address"),
        ({"address": NUMBER, "note": ["x"]}, "note"),
        ({"address": NUMBER, "note": "x" * 1000}, "note"),
    ],
)
def test_what_is_no_address_is_refused(
    tenant: Tenant, session: Session, body: dict[str, Any], field: str
) -> None:
    answer = tenant.program.post(PATH, json=body)

    assert (answer.status_code, (answer.json or {})["attributes"]) == (422, [field])
    assert addresses(session, tenant) == []


def test_the_list_has_pages_and_can_be_searched(tenant: Tenant) -> None:
    for number in range(3):
        make_suppression(tenant.account, f"+1415555012{number}", note=f"list {number}")

    page = tenant.program.get(f"{PATH}?per_page=2&page=2")
    found = tenant.program.get(f"{PATH}?q=list 1")
    beyond = tenant.program.get(f"{PATH}?page=9")

    assert [one["address"] for one in page.json or []] == ["+14155550120"]
    assert page.headers["X-Total-Count"] == "3"
    assert [one["address"] for one in found.json or []] == ["+14155550121"]
    assert beyond.json == []


def test_another_accounts_are_neither_seen_nor_removed(
    tenant: Tenant, stranger: Tenant, session: Session
) -> None:
    theirs = make_suppression(stranger.account, NUMBER)

    assert tenant.program.get(PATH).json == []
    assert tenant.program.delete(f"{PATH}/{theirs.id}").status_code == 404
    assert tenant.program.post(PATH, json={"address": NUMBER}).status_code == 200
    assert addresses(session, stranger) == [NUMBER]
