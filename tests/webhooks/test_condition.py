"""How it goes with endpoints and with what waits for them."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.webhooks import condition
from campaigns_app.webhooks.condition import (
    count_waiting,
    find_stuck,
    read_backlog,
    read_condition,
)
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.models import DisabledReason, WebhookDelivery, WebhookEndpoint
from tests import receiver as manners
from tests.factories import make_account, make_endpoint
from tests.receiver import Receiver
from tests.webhooks.scenes import tell


@pytest.fixture
def endpoint(session: Session, receiver: Receiver) -> WebhookEndpoint:
    return make_endpoint(make_account(), url=receiver.url("/hook"))


def let_it_be_overdue(session: Session) -> None:
    past = utcnow() - timedelta(minutes=3)
    session.execute(update(WebhookDelivery).values(next_attempt_at=past))
    session.commit()


def test_an_endpoint_that_was_told_nothing_has_no_rate(endpoint: WebhookEndpoint) -> None:
    found = read_condition(endpoint)

    assert (found.success_rate, found.oldest_at, found.waiting.count) == (None, None, 0)


def test_the_rate_is_that_of_the_last_attempts(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500), manners.status(200))
    tell(session, endpoint, conversations=2)
    deliver_webhooks()

    found = read_condition(endpoint)

    assert found.success_rate == 0.75
    assert found.waiting.count == 1


def test_what_waits_is_counted_up_to_a_bound(
    session: Session, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(condition, "MOST_COUNTED", 3)
    other = make_endpoint(make_account())
    tell(session, endpoint, conversations=2)

    counts = count_waiting([endpoint.id, other.id])

    assert (counts[endpoint.id].count, counts[endpoint.id].has_more) == (3, True)
    assert (counts[other.id].count, counts[other.id].has_more) == (0, False)


def test_the_oldest_that_waits_is_the_one_that_happened_first(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    oldest, newer = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))
    now = utcnow()
    # Neither is due: each waits for an attempt, the older one for longer.
    oldest.created_at, oldest.next_attempt_at = now - timedelta(hours=9), now + timedelta(hours=9)
    newer.created_at, newer.next_attempt_at = now - timedelta(hours=1), now + timedelta(hours=1)
    session.commit()

    assert read_condition(endpoint).oldest_at == now - timedelta(hours=9)


def test_events_that_are_overdue_for_minutes_are_stuck(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    assert find_stuck(endpoint.account_id, utcnow()) == []

    let_it_be_overdue(session)

    assert [row.id for row in find_stuck(endpoint.account_id, utcnow())] == [endpoint.id]
    assert find_stuck(make_account().id, utcnow()) == []


@pytest.mark.parametrize(
    ("reason", "is_stuck"), [(DisabledReason.FAILING, True), (DisabledReason.BY_HAND, False)]
)
def test_what_waits_for_an_endpoint_that_failed_is_stuck(
    session: Session, endpoint: WebhookEndpoint, reason: DisabledReason, is_stuck: bool
) -> None:
    endpoint.enabled, endpoint.disabled_reason = False, reason
    tell(session, endpoint)

    assert bool(find_stuck(endpoint.account_id, utcnow())) == is_stuck


@pytest.mark.parametrize(("minutes", "is_stuck"), [(5, False), (11, True)])
def test_what_waits_for_its_next_attempt_is_stuck_once_an_endpoint_has_failed_for_long(
    session: Session, endpoint: WebhookEndpoint, minutes: int, is_stuck: bool
) -> None:
    now = utcnow()
    tell(session, endpoint)
    session.execute(update(WebhookDelivery).values(next_attempt_at=now + timedelta(hours=2)))
    endpoint.first_failure_at = now - timedelta(minutes=minutes)
    session.commit()

    assert bool(find_stuck(endpoint.account_id, now)) == is_stuck


def test_an_endpoint_that_failed_last_but_has_nothing_waiting_is_not_stuck(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    endpoint.first_failure_at = utcnow() - timedelta(days=1)
    session.commit()

    assert find_stuck(endpoint.account_id, utcnow()) == []


def test_the_backlog_is_that_of_enabled_endpoints(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    tell(session, make_endpoint(make_account(), enabled=False))
    let_it_be_overdue(session)

    backlog = read_backlog(session, utcnow())

    assert (backlog.waiting.count, backlog.waiting.has_more) == (2, False)
    assert 180 <= backlog.late_seconds < 200


def test_nothing_waiting_is_no_backlog(session: Session) -> None:
    assert read_backlog(session, utcnow()).late_seconds == 0
