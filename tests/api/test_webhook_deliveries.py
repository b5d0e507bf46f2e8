"""The delivery log of webhooks, and sending again, for programs."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.api.conftest import Tenant
from tests.factories import make_account, make_endpoint
from tests.receiver import Receiver, receiving
from tests.webhooks.scenes import PAYLOAD, claim, only_delivery, states, tell, tell_once


@pytest.fixture
def receiver() -> Any:
    with receiving() as server:
        yield server


@pytest.fixture
def endpoint(tenant: Tenant, receiver: Receiver) -> WebhookEndpoint:
    return make_endpoint(tenant.account, url=receiver.url("/hook"))


def test_the_log_is_a_list_that_leads_on(
    tenant: Tenant, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=2)
    path = f"/api/v1/webhooks/{endpoint.id}/deliveries"

    first = tenant.program.get(f"{path}?per_page=3")
    following = first.headers["Link"].partition(">")[0].removeprefix("<http://localhost")
    rest = tenant.program.get(following)

    assert [len(first.get_json()), len(rest.get_json())] == [3, 1]
    assert "Link" not in rest.headers
    assert set(first.get_json()[0]) == {
        *("id", "webhook_id", "event", "state", "attempt_count"),
        *("next_attempt_at", "delivered_at", "created_at"),
    }


def test_a_delivery_is_shown_with_its_attempts(
    tenant: Tenant, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    deliver_webhooks()

    path = f"/api/v1/webhooks/{endpoint.id}/deliveries/{only_delivery(session).id}"
    shown = tenant.program.get(path).get_json()

    [attempt] = shown["attempts"]
    assert (shown["state"], attempt["status_code"], attempt["trigger"]) == (
        *("delivered", 200),
        "scheduled",
    )
    assert attempt["request"]["body"] == PAYLOAD
    assert attempt["request"]["headers"]["webhook-id"] == shown["event"]["id"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=lost", "state"),
        ("since=soon", "since"),
        ("before=0", "before"),
        ("per_page=1000", "per_page"),
        ("until=1e400", "until"),
    ],
)
def test_a_filter_that_is_wrong_is_named(
    tenant: Tenant, endpoint: WebhookEndpoint, query: str, field: str
) -> None:
    answer = tenant.program.get(f"/api/v1/webhooks/{endpoint.id}/deliveries?{query}")

    assert (answer.status_code, answer.get_json()["attributes"]) == (422, [field])


def test_an_event_can_be_resent(
    tenant: Tenant, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    session.execute(update(WebhookDelivery).values(state="failed"))
    session.commit()
    path = f"/api/v1/webhooks/{endpoint.id}/deliveries/{only_delivery(session).id}/resend"

    answer = tenant.program.post(path)
    deliver_webhooks()

    assert (answer.status_code, answer.get_json()["state"]) == (200, "pending")
    assert states(session, endpoint) == ["delivered"]


def test_an_event_on_its_way_is_a_conflict(
    tenant: Tenant, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    claim(session, "worker", 1)
    path = f"/api/v1/webhooks/{endpoint.id}/deliveries/{only_delivery(session).id}/resend"

    answer = tenant.program.post(path)

    assert answer.status_code == 409
    assert "on its way right now" in answer.get_json()["error"]


def test_what_failed_can_be_resent_since_a_time(
    tenant: Tenant, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    session.execute(update(WebhookDelivery).values(state="failed"))
    session.commit()
    since = (utcnow() - timedelta(hours=1)).isoformat()

    answer = tenant.program.post(
        f"/api/v1/webhooks/{endpoint.id}/resend_failed", json={"since": since}
    )

    assert (answer.status_code, answer.get_json()) == (200, {"count": 2, "has_more": False})


@pytest.mark.parametrize("body", [{}, {"since": None}, {"since": "x"}, {"since": 1}])
def test_the_time_must_be_one_of_the_last_days(
    tenant: Tenant, endpoint: WebhookEndpoint, body: dict[str, object]
) -> None:
    answer = tenant.program.post(f"/api/v1/webhooks/{endpoint.id}/resend_failed", json=body)

    assert (answer.status_code, answer.get_json()["attributes"]) == (422, ["since"])


def test_a_test_event_can_be_sent(
    tenant: Tenant, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    answer = tenant.program.post(f"/api/v1/webhooks/{endpoint.id}/test")
    deliver_webhooks()

    assert (answer.status_code, answer.get_json()["event"]["type"]) == (200, "webhook_test")
    assert len(receiver.requests) == 1


def test_a_disabled_webhook_refuses(
    tenant: Tenant, session: Session, endpoint: WebhookEndpoint
) -> None:
    endpoint.enabled = False
    session.commit()

    answer = tenant.program.post(f"/api/v1/webhooks/{endpoint.id}/test")

    assert answer.status_code == 422


@pytest.mark.parametrize("deed", ["test", "resend_failed", "deliveries/1/resend"])
def test_another_accounts_webhook_is_not_found(tenant: Tenant, session: Session, deed: str) -> None:
    foreign = make_endpoint(make_account())
    body = {"since": utcnow().isoformat()}

    answer = tenant.program.post(f"/api/v1/webhooks/{foreign.id}/{deed}", json=body)

    assert answer.status_code == 404
