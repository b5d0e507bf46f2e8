"""What was sent to an endpoint, and what came of it."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.errors import NotFound
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.log import (
    LogFilter,
    get_delivery,
    read_attempts,
    read_log,
    read_siblings,
)
from campaigns_app.webhooks.models import WebhookEndpoint
from tests import receiver as manners
from tests.factories import make_account, make_endpoint
from tests.receiver import Receiver
from tests.webhooks.scenes import PAYLOAD, only_delivery, tell, tell_once


@pytest.fixture
def endpoint(session: Session, receiver: Receiver) -> WebhookEndpoint:
    return make_endpoint(make_account(), url=receiver.url("/hook"))


def found(endpoint: WebhookEndpoint, **wanted: object) -> int:
    return len(read_log(endpoint, LogFilter(**wanted)).entries)  # type: ignore[arg-type]


def test_the_pages_of_a_log_hold_everything_once(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=30)
    seen: list[int] = []
    before: int | None = None

    while True:
        page = read_log(endpoint, LogFilter(before=before))
        seen += [entry.delivery.id for entry in page.entries]
        before = page.next_before
        if before is None:
            break

    assert len(seen) == 60
    assert seen == sorted(set(seen), reverse=True)


def test_the_log_can_be_narrowed(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500), manners.status(200))
    tell(session, endpoint, conversations=2)
    deliver_webhooks()
    later = utcnow() + timedelta(minutes=1)

    assert found(endpoint, state="pending") == 1
    assert found(endpoint, state="delivered") == 3
    assert found(endpoint, state="failed") == 0
    assert found(endpoint, event_type="message_created") == 2
    assert found(endpoint, state="delivered", event_type="nonsense") == 0
    assert found(endpoint, until=later) == 4
    assert found(endpoint, since=later) == 0


def test_an_attempt_is_shown_with_its_request_as_it_was_sent(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500, b"out of paper"))
    tell_once(session, endpoint)
    deliver_webhooks()

    [logged] = read_attempts(only_delivery(session))

    assert logged.body == PAYLOAD == receiver.requests[0].body.decode()
    assert logged.headers is not None
    for name, value in logged.headers.items():
        assert receiver.requests[0].headers[name] == value
    assert (logged.response_body, logged.event_count) == ("out of paper", 1)


def test_every_event_of_a_batch_leads_to_the_whole_request(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(200, b"thanks"))
    endpoint.batch_size = 100
    tell(session, endpoint, conversations=2)
    deliver_webhooks()

    for entry in read_log(endpoint, LogFilter()).entries:
        [logged] = read_attempts(entry.delivery)
        assert logged.body == receiver.requests[0].body.decode()
        assert logged.headers is not None
        assert logged.headers["webhook-id"] == receiver.requests[0].headers["webhook-id"]
        assert (logged.response_body, logged.event_count) == ("thanks", 4)


def test_an_event_knows_to_whom_else_it_was_sent(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    other = make_endpoint(make_account())
    tell(session, endpoint, other)
    mine = read_log(endpoint, LogFilter()).entries[0].delivery

    assert [one.endpoint_id for one in read_siblings(mine)] == [other.id]


def test_another_endpoints_delivery_is_not_found(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, make_endpoint(make_account()))

    with pytest.raises(NotFound):
        get_delivery(endpoint, only_delivery(session).id)
