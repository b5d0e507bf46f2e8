"""The pages of the delivery log, and what can be done from them."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import User
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.http_client import LONGEST_BODY
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests import receiver as manners
from tests.factories import make_account, make_endpoint
from tests.receiver import Receiver
from tests.webhooks.scenes import claim, let_leases_expire, only_delivery, states, tell, tell_once


@pytest.fixture
def endpoint(admin: User, receiver: Receiver) -> WebhookEndpoint:
    account = admin.memberships[0].account
    return make_endpoint(account, name="Shop", url=receiver.url("/hook"))


def test_the_log_shows_what_became_of_each_delivery(
    admin_client: FlaskClient, session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(200), manners.status(503))
    tell(session, endpoint)
    deliver_webhooks()

    for path in ("", "/log"):
        page = admin_client.get(f"/webhooks/{endpoint.id}{path}").text
        assert "Delivered" in page
        assert "503" in page
        assert "conversation_created" in page
        assert "50.0 %" in page


def test_the_log_leads_to_what_is_older(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=20)
    page = admin_client.get(f"/webhooks/{endpoint.id}?event=message_created&before={2**40}").text
    assert "Newest" in page
    assert "Older" not in page

    assert "before=" in admin_client.get(f"/webhooks/{endpoint.id}").text


def test_the_page_says_how_long_the_oldest_has_waited_though_none_is_due(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    happened_at, due_at = utcnow() - timedelta(hours=3), utcnow() + timedelta(hours=5)
    session.execute(update(WebhookDelivery).values(created_at=happened_at, next_attempt_at=due_at))
    session.commit()

    page = admin_client.get(f"/webhooks/{endpoint.id}").text

    assert re.search(r"Oldest waiting</dt>\s*<dd[^>]*><time[^>]*>3 hours</time>", page)


def test_a_filter_that_is_none_is_ignored(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)

    page = admin_client.get(f"/webhooks/{endpoint.id}?state=x&event=y&period=z&before=-1")

    assert page.status_code == 200
    assert "msg_" in page.text


def test_an_answer_is_shown_as_text(
    admin_client: FlaskClient, session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500, b"<script>alert(1)</script>"))
    endpoint.headers = {"X-Api-Key": "hush"}
    tell_once(session, endpoint)
    deliver_webhooks()

    page = admin_client.get(f"/webhooks/{endpoint.id}/deliveries/{only_delivery(session).id}").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "webhook-signature: v1," in page
    assert "X-Api-Key" in page
    assert "hush" not in page


@pytest.mark.parametrize(
    ("body", "is_cut"),
    [
        (b"x" * (LONGEST_BODY - 3), False),
        (b"x" * LONGEST_BODY, True),
        (("€" * LONGEST_BODY).encode(), True),
        (b"\xff" * (LONGEST_BODY - 3), False),
        (b"\x00" * (2 * LONGEST_BODY), True),
    ],
)
def test_an_answer_that_was_cut_off_says_so(
    admin_client: FlaskClient,
    session: Session,
    receiver: Receiver,
    endpoint: WebhookEndpoint,
    body: bytes,
    is_cut: bool,
) -> None:
    receiver.script("/hook", manners.status(500, body))
    tell_once(session, endpoint)
    deliver_webhooks()

    page = admin_client.get(f"/webhooks/{endpoint.id}/deliveries/{only_delivery(session).id}").text

    assert ("Only the first 16 kB" in page) == is_cut


def test_an_event_can_be_resent_from_its_page(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    session.execute(update(WebhookDelivery).values(state="failed"))
    session.commit()
    path = f"/webhooks/{endpoint.id}/deliveries/{only_delivery(session).id}"

    answer = admin_client.post(f"{path}/resend")
    deliver_webhooks()

    assert (answer.status_code, answer.location) == (303, path)
    assert "Manual attempt" in admin_client.get(path).text


def test_an_event_on_its_way_says_so_and_cannot_be_resent(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    path = f"/webhooks/{endpoint.id}/deliveries/{only_delivery(session).id}"
    claim(session, "worker", 1)

    page = admin_client.get(path).text
    answer = admin_client.post(f"{path}/resend")

    assert "On its way" in page
    assert f'action="{path}/resend"' not in page
    assert "see first what comes of it" in admin_client.get(answer.location).text
    let_leases_expire(session)
    assert f'action="{path}/resend"' in admin_client.get(path).text


def test_the_page_of_an_event_is_drawn_anew_only_when_something_has_happened(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    path = f"/webhooks/{endpoint.id}/deliveries/{only_delivery(session).id}"
    polled = re.search('hx-get="(.*?seen=.*?)"', admin_client.get(path).text)
    assert polled is not None

    assert admin_client.get(polled[1]).status_code == 204
    claim(session, "worker", 1)

    assert "On its way" in admin_client.get(polled[1]).text


def test_what_failed_can_be_resent_from_the_page(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    session.execute(update(WebhookDelivery).values(state="failed"))
    session.commit()

    answer = admin_client.post(f"/webhooks/{endpoint.id}/resend_failed", data={"period": "14"})
    deliver_webhooks()

    assert "2 failed events are being sent again" in admin_client.get(answer.location).text
    assert states(session, endpoint) == ["delivered", "delivered"]


def test_what_failed_since_a_time_on_the_persons_clock_can_be_resent(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint, admin: User
) -> None:
    admin.time_zone = "Asia/Tokyo"
    tell(session, endpoint)
    first, second = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))
    first.created_at, second.created_at = utcnow() - timedelta(hours=4), utcnow()
    first.state = second.state = "failed"
    session.commit()
    since = (utcnow() - timedelta(hours=2)).astimezone(ZoneInfo("Asia/Tokyo"))

    path = f"/webhooks/{endpoint.id}/resend_failed"
    assert "Asia/Tokyo" in admin_client.get(path).text
    admin_client.post(path, data={"period": "since", "since": f"{since:%Y-%m-%dT%H:%M}"})
    deliver_webhooks()

    assert states(session, endpoint) == ["failed", "delivered"]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"period": "since"}, "Since is required"),
        ({"period": "since", "since": "yesterday"}, "not a date with a time"),
        ({"period": "since", "since": "2020-01-01T00:00"}, "within the last 14 days"),
        ({"period": "since", "since": "2999-01-01T00:00"}, "within the last 14 days"),
        ({"period": "2"}, "Not a valid choice"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(
    admin_client: FlaskClient,
    session: Session,
    endpoint: WebhookEndpoint,
    asked: dict[str, str],
    text: str,
) -> None:
    tell(session, endpoint)
    session.execute(update(WebhookDelivery).values(state="failed"))
    session.commit()

    answer = admin_client.post(f"/webhooks/{endpoint.id}/resend_failed", data=asked)

    assert answer.status_code == 422
    assert text in answer.text
    assert states(session, endpoint) == ["failed", "failed"]


def test_a_test_event_leads_to_its_answer(
    admin_client: FlaskClient, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    answer = admin_client.post(f"/webhooks/{endpoint.id}/test")
    deliver_webhooks()

    assert len(receiver.requests) == 1
    assert "Delivered" in admin_client.get(answer.location).text


def test_a_disabled_webhook_says_why_and_sends_nothing(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    endpoint.enabled, endpoint.disabled_reason = False, "failing"
    tell_once(session, endpoint)
    assert "nothing but failures" in admin_client.get(f"/webhooks/{endpoint.id}").text

    for path in ("test", "resend_failed", f"deliveries/{only_delivery(session).id}/resend"):
        answer = admin_client.post(f"/webhooks/{endpoint.id}/{path}", data={"period": "1"})
        assert "enable it first" in admin_client.get(answer.location).text


def test_stuck_events_are_told_of_above_the_campaigns(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    assert "not getting through" not in admin_client.get("/campaigns/").text
    endpoint.enabled, endpoint.disabled_reason = False, "gone"
    tell_once(session, endpoint)

    assert "not getting through" in admin_client.get("/campaigns/").text


def test_the_page_asks_the_database_equally_often_however_long_the_log(
    admin_client: FlaskClient, session: Session, endpoint: WebhookEndpoint
) -> None:
    counts = []
    for conversations in (1, 20):
        tell(session, endpoint, conversations=conversations)
        asked: list[str] = []

        def note(*call: object, asked: list[str] = asked) -> None:
            asked.append(str(call[2]))

        event.listen(db.engine, "before_cursor_execute", note)
        admin_client.get(f"/webhooks/{endpoint.id}/log")
        event.remove(db.engine, "before_cursor_execute", note)
        counts.append(len(asked))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("path", ["/log", "/deliveries/{}", "/deliveries/{}/attempts"])
def test_another_accounts_log_is_not_found(
    admin_client: FlaskClient, session: Session, path: str
) -> None:
    foreign = make_endpoint(make_account())
    tell_once(session, foreign)

    address = f"/webhooks/{foreign.id}{path.format(only_delivery(session).id)}"

    assert admin_client.get(address).status_code == 404
