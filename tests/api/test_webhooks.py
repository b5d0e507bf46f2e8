"""Webhook endpoints through the API, in Chatwoot's shapes."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.webhooks.events import CHATWOOTS_EVENTS
from campaigns_app.webhooks.models import WebhookEndpoint
from tests.api.conftest import Tenant
from tests.factories import make_endpoint, make_inbox

PATH = "/api/v1/webhooks"
BODY: dict[str, Any] = {
    "name": "Shop",
    "url": "http://127.0.0.1:9000/hook",
    "subscriptions": ["message_created", "campaign_finished"],
}


def create(tenant: Tenant, **values: Any) -> dict[str, Any]:
    answer = tenant.program.post(PATH, json=BODY | values)
    assert answer.status_code == 200, answer.json
    webhook: dict[str, Any] = (answer.json or {})["payload"]["webhook"]
    return webhook


def stored(session: Session) -> list[WebhookEndpoint]:
    session.expire_all()
    return list(session.scalars(select(WebhookEndpoint).order_by(WebhookEndpoint.id)))


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_endpoint_is_made_and_its_secret_shown_once(
    tenant: Tenant, session: Session, wrapped: bool
) -> None:
    answer = tenant.program.post(PATH, json={"webhook": BODY} if wrapped else BODY)

    webhook = (answer.json or {})["payload"]["webhook"]
    [endpoint] = stored(session)
    assert answer.status_code == 200
    assert webhook["secret"] == endpoint.secret
    assert {key: webhook[key] for key in BODY} == BODY
    assert (webhook["id"], webhook["account_id"]) == (endpoint.id, tenant.account.id)
    for path in (PATH, f"{PATH}/{endpoint.id}"):
        assert endpoint.secret not in tenant.program.get(path).text


def test_without_subscriptions_those_of_chatwoot_are_meant(tenant: Tenant) -> None:
    one = create(tenant, subscriptions=None)

    assert one["subscriptions"] == list(CHATWOOTS_EVENTS)


def test_the_list_has_chatwoots_wrapping_and_says_which_are_inboxes(tenant: Tenant) -> None:
    one = create(tenant)
    of_inbox = make_endpoint(tenant.account, inbox_id=make_inbox(tenant.account).id)

    answer = tenant.program.get(f"/api/v1/accounts/{tenant.account.id}/webhooks")

    listed = (answer.json or {})["payload"]["webhooks"]
    assert [(webhook["id"], webhook["inbox_id"]) for webhook in listed] == [
        (one["id"], None),
        (of_inbox.id, of_inbox.inbox_id),
    ]
    assert "secret" not in listed[0]


@pytest.mark.parametrize("method", ["patch", "put"])
def test_only_what_is_sent_is_changed(tenant: Tenant, session: Session, method: str) -> None:
    made = create(tenant, headers={"Authorization": "Bearer secret"})

    answer = getattr(tenant.program, method)(f"{PATH}/{made['id']}", json={"name": "New"})

    webhook = (answer.json or {})["payload"]["webhook"]
    [endpoint] = stored(session)
    assert (webhook["name"], webhook["url"]) == ("New", BODY["url"])
    assert webhook["headers"] == {"Authorization": "••••••••"}
    assert endpoint.headers == {"Authorization": "Bearer secret"}
    assert endpoint.secret == made["secret"]
    assert endpoint.enabled


def test_what_was_shown_can_be_sent_back(tenant: Tenant, session: Session) -> None:
    made = create(tenant, headers={"X-Key": "k"})
    shown = (tenant.program.get(f"{PATH}/{made['id']}").json or {})["payload"]["webhook"]

    answer = tenant.program.put(f"{PATH}/{made['id']}", json=shown)

    assert answer.status_code == 200
    assert stored(session)[0].headers == {"X-Key": "k"}


def test_an_endpoint_can_be_disabled_and_enabled(tenant: Tenant) -> None:
    made = create(tenant, enabled=False)
    assert (made["enabled"], made["disabled_reason"]) == (False, "by_hand")

    answer = tenant.program.patch(f"{PATH}/{made['id']}", json={"enabled": True})

    webhook = (answer.json or {})["payload"]["webhook"]
    assert (webhook["enabled"], webhook["disabled_reason"]) == (True, None)


@pytest.mark.parametrize(("body", "keeps"), [({}, True), ({"keep_old": False}, False)])
def test_a_secret_can_be_replaced(
    tenant: Tenant, session: Session, body: dict[str, bool], keeps: bool
) -> None:
    made = create(tenant)

    answer = tenant.program.post(f"{PATH}/{made['id']}/rotate_secret", json=body)

    webhook = (answer.json or {})["payload"]["webhook"]
    [endpoint] = stored(session)
    assert webhook["secret"] == endpoint.secret != made["secret"]
    assert (endpoint.previous_secret == made["secret"]) is keeps
    assert (webhook["previous_secret_expires_at"] is not None) is keeps


def test_an_endpoint_can_be_deleted(tenant: Tenant, session: Session) -> None:
    made = create(tenant)

    answer = tenant.program.delete(f"{PATH}/{made['id']}")

    assert (answer.status_code, answer.data) == (200, b"")
    assert stored(session) == []


@pytest.mark.parametrize(
    ("change", "message", "field"),
    [
        ({"url": ""}, "Url is invalid", "url"),
        ({"url": None}, "Url is invalid", "url"),
        ({"url": 7}, "Url must be text", "url"),
        ({"url": "http://x/\x00"}, "Url contains characters that are not text", "url"),
        ({"name": ["x"]}, "Name must be text", "name"),
        ({"name": "x" * 256}, "Name is too long (maximum is 255 characters)", "name"),
        ({"subscriptions": []}, "Subscriptions Invalid events", "subscriptions"),
        ({"subscriptions": ["nonsense"]}, "Subscriptions Invalid events", "subscriptions"),
        ({"subscriptions": "all"}, "Subscriptions must be a list", "subscriptions"),
        ({"subscriptions": [1]}, "Subscriptions must be text", "subscriptions"),
        ({"headers": []}, "Headers must be an object", "headers"),
        ({"headers": {"X": 1}}, "Headers must be text", "headers"),
        ({"headers": {"Host": "x"}}, "Headers may not set Host", "headers"),
        ({"enabled": "yes"}, "Enabled must be true or false", "enabled"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_what_is_wrong_is_named_and_nothing_is_done(
    tenant: Tenant,
    session: Session,
    change: dict[str, Any],
    message: str,
    field: str,
    is_new: bool,
) -> None:
    made = make_endpoint(tenant.account, url=BODY["url"] + "/old")

    if is_new:
        answer = tenant.program.post(PATH, json=BODY | change)
    else:
        answer = tenant.program.patch(f"{PATH}/{made.id}", json=change)

    assert (answer.status_code, answer.json) == (422, {"message": message, "attributes": [field]})
    assert [endpoint.url for endpoint in stored(session)] == [BODY["url"] + "/old"]


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"webhook": {}}, 422), ({"webhook": []}, 422), ([], 422)]
)
def test_a_body_without_attributes_is_refused(tenant: Tenant, body: Any, status: int) -> None:
    assert tenant.program.post(PATH, json=body).status_code == status


@pytest.mark.parametrize(
    ("action", "path"),
    [
        *(("get", ""), ("patch", ""), ("put", ""), ("delete", "")),
        ("post", "/rotate_secret"),
    ],
)
@pytest.mark.parametrize("of_inbox", [False, True])
def test_anothers_endpoint_is_not_found(
    tenant: Tenant, stranger: Tenant, session: Session, action: str, path: str, of_inbox: bool
) -> None:
    inbox_id = make_inbox(stranger.account).id if of_inbox else None
    endpoint = make_endpoint(stranger.account, inbox_id=inbox_id, name="Theirs")
    secret = endpoint.secret

    answer = getattr(tenant.program, action)(f"{PATH}/{endpoint.id}{path}", json={"name": "Mine"})

    assert (answer.status_code, answer.json) == (404, {"error": "Resource could not be found"})
    assert [(one.name, one.secret) for one in stored(session)] == [("Theirs", secret)]


@pytest.mark.parametrize("action", ["patch", "put", "delete"])
def test_an_inboxs_own_endpoint_is_changed_with_its_inbox_only(
    tenant: Tenant, session: Session, action: str
) -> None:
    endpoint = make_endpoint(tenant.account, inbox_id=make_inbox(tenant.account).id, name="Own")

    answer = getattr(tenant.program, action)(f"{PATH}/{endpoint.id}", json={"name": "Mine"})

    assert answer.status_code == 422
    assert "belongs to an inbox" in answer.text
    assert [one.name for one in stored(session)] == ["Own"]


def test_an_inboxs_own_endpoint_is_shown_and_gets_another_secret(
    tenant: Tenant, session: Session
) -> None:
    endpoint = make_endpoint(tenant.account, inbox_id=make_inbox(tenant.account).id)
    path, old = f"{PATH}/{endpoint.id}", endpoint.secret

    shown = (tenant.program.get(path).json or {})["payload"]["webhook"]
    rotated = (tenant.program.post(f"{path}/rotate_secret", json={}).json or {})["payload"]

    assert (shown["id"], shown["inbox_id"]) == (endpoint.id, endpoint.inbox_id)
    assert [one.secret for one in stored(session)] == [rotated["webhook"]["secret"]]
    assert rotated["webhook"]["secret"] != old


def test_an_inboxs_own_endpoint_can_be_switched_off_and_on(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant.account, inbox_id=make_inbox(tenant.account).id)

    for enabled, reason in ((False, "by_hand"), (True, None)):
        answer = tenant.program.patch(f"{PATH}/{endpoint.id}", json={"enabled": enabled})
        shown = (answer.json or {})["payload"]["webhook"]
        assert (shown["enabled"], shown["disabled_reason"]) == (enabled, reason)
    assert tenant.program.patch(f"{PATH}/{endpoint.id}", json={"enabled": 1}).status_code == 422
