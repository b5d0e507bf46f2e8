"""The audit log for programs."""

import pytest
from sqlalchemy.orm import Session

from campaigns_app.accounts.audit import record
from tests.api.conftest import Tenant
from tests.factories import make_endpoint, make_label
from tests.statements import CountQueries

PATH = "/api/v1/audit_log"


def test_an_entry_says_who_did_what_to_which_thing(tenant: Tenant, session: Session) -> None:
    label = make_label(tenant.account, title="vip")
    record("label.updated", tenant.user, label, before={"title": "old"}, after={"title": "vip"})
    session.commit()

    entry = tenant.program.get(PATH).get_json()[0]

    assert entry["action"] == "label.updated"
    assert entry["user"] == {"id": tenant.user.id, "name": tenant.user.name}
    assert entry["subject"] == {"type": "Label", "id": label.id, "title": "vip"}
    assert (entry["before"], entry["after"]) == ({"title": "old"}, {"title": "vip"})


def test_what_the_app_did_by_itself_names_nobody(tenant: Tenant, session: Session) -> None:
    endpoint = make_endpoint(tenant.account)
    record("webhook_endpoint.disabled", None, endpoint, after={"reason": "gone"})
    session.commit()

    [entry] = tenant.program.get(f"{PATH}?action=webhook_endpoint.disabled").get_json()

    assert (entry["user"], entry["after"]) == (None, {"reason": "gone"})


def test_the_log_leads_from_its_newest_end_to_its_oldest(tenant: Tenant, session: Session) -> None:
    for _ in range(3):
        record("account.updated", tenant.user, tenant.account)
    session.commit()

    first = tenant.program.get(f"{PATH}?action=account.updated&per_page=2")
    following = first.headers["Link"].partition(">")[0].removeprefix("<http://localhost")
    rest = tenant.program.get(following)

    ids = [entry["id"] for answer in (first, rest) for entry in answer.get_json()]
    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)
    assert "Link" not in rest.headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("user_id", value) for value in ("x", "0", "9" * 20)),
        *(("before", value) for value in ("-1", "")),
        *(("per_page", value) for value in ("0", "101")),
        *(("action", value) for value in ("no.such", "\x00", "")),
    ],
)
def test_what_cannot_be_asked_for_is_named(tenant: Tenant, name: str, value: str) -> None:
    answer = tenant.program.get(PATH, query_string={name: value})

    assert (answer.status_code, answer.get_json()["attributes"]) == (422, [name])


def test_another_accounts_doings_are_not_told(
    tenant: Tenant, stranger: Tenant, session: Session
) -> None:
    record("account.updated", stranger.user, stranger.account)
    session.commit()

    answer = tenant.program.get(f"{PATH}?user_id={stranger.user.id}")

    assert answer.get_json() == []


def test_a_page_takes_as_many_queries_for_many_entries(
    tenant: Tenant, session: Session, count_queries: CountQueries
) -> None:
    record("account.updated", tenant.user, tenant.account)
    session.commit()
    tenant.program.get(PATH)  # That the token was used is written down once a while.
    one = count_queries(lambda: tenant.program.get(PATH))
    for label in [make_label(tenant.account) for _ in range(9)]:
        record("label.updated", tenant.user, label)
    session.commit()

    assert count_queries(lambda: tenant.program.get(PATH)) == one
