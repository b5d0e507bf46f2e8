"""What becomes of claimed deliveries."""

import time
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AuditEntry
from campaigns_app.database.types import utcnow
from campaigns_app.webhooks.models import WebhookBlock, WebhookEndpoint
from campaigns_app.webhooks.sending import Attempt, ClaimedDelivery, Outcome, sign_requests
from campaigns_app.webhooks.settlement import settle_block
from tests.factories import make_account, make_endpoint
from tests.webhooks.scenes import (
    attempt_count,
    claim,
    let_leases_expire,
    only_attempt,
    only_delivery,
    states,
    tell,
    tell_once,
)


def answered(delivery: ClaimedDelivery, status: int) -> Attempt:
    [request] = sign_requests([[delivery]])
    return Attempt(request, time.time(), 1, status, body=b"")


def settle(
    session: Session, block: list[ClaimedDelivery], *statuses: int, after: timedelta = timedelta()
) -> None:
    attempts = [answered(one, status) for one, status in zip(block, statuses, strict=False)]
    outcome = Outcome(attempts, block[len(attempts) :])
    settle_block(
        session, outcome, now=utcnow() + after, chance=Random(1), patience=timedelta(days=5)
    )


@pytest.fixture
def endpoint(session: Session) -> WebhookEndpoint:
    return make_endpoint(make_account())


def test_a_stale_worker_changes_nothing(session: Session, endpoint: WebhookEndpoint) -> None:
    tell_once(session, endpoint)
    stale = claim(session, "stale", 10)
    let_leases_expire(session)
    fresh = claim(session, "me", 10)

    settle(session, stale, 200)
    assert (states(session, endpoint), attempt_count(session)) == (["pending"], 0)
    settle(session, fresh, 500)
    settle(session, stale, 200)

    assert (states(session, endpoint), attempt_count(session)) == (["pending"], 1)


def test_an_event_that_was_taken_is_delivered(session: Session, endpoint: WebhookEndpoint) -> None:
    tell_once(session, endpoint)

    settle(session, claim(session, "me", 10), 204)

    delivery, attempt = only_delivery(session), only_attempt(session)
    assert (delivery.state, delivery.attempts) == ("delivered", 1)
    assert session.scalars(select(WebhookBlock)).all() == []
    assert delivery.delivered_at is not None
    assert (attempt.number, attempt.status_code, attempt.trigger) == (1, 204, "scheduled")
    assert claim(session, "me", 10) == []


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_a_refused_event_waits_for_its_next_time(
    session: Session, endpoint: WebhookEndpoint, status: int
) -> None:
    tell_once(session, endpoint)

    settle(session, claim(session, "me", 10), status)

    delivery = only_delivery(session)
    wait = delivery.next_attempt_at - only_attempt(session).started_at
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert timedelta(seconds=4) <= wait <= timedelta(seconds=6)
    assert claim(session, "me", 10) == []


def test_after_the_tenth_refusal_a_delivery_has_failed(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    only_delivery(session).attempts = 9
    session.commit()

    settle(session, claim(session, "me", 10), 500)

    assert states(session, endpoint) == ["failed"]
    assert only_attempt(session).number == 10


def test_what_was_not_attempted_is_given_back(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint)

    settle(session, claim(session, "me", 10), 200)

    assert states(session, endpoint) == ["delivered", "pending"]
    assert len(claim(session, "me", 10)) == 1


def test_an_endpoint_that_is_gone_is_disabled_and_told_of_nothing_more(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    other = make_endpoint(make_account())
    tell(session, endpoint, conversations=2)
    tell_once(session, other)

    settle(session, claim(session, "me", 2), 410)

    assert states(session, endpoint) == ["failed"] * 4
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")
    assert (other.enabled, states(session, other)) == (True, ["pending"])


@pytest.mark.parametrize(("status", "reason"), [(410, "gone"), (500, "failing")])
def test_that_the_app_disables_an_endpoint_is_recorded_once(
    session: Session, endpoint: WebhookEndpoint, status: int, reason: str
) -> None:
    tell(session, endpoint, conversations=2)
    endpoint.first_failure_at = utcnow() - timedelta(days=6)
    session.commit()
    first, second = claim(session, "me", 2), claim(session, "other", 2)

    settle(session, first, status, status)
    settle(session, second, status, status)

    [entry] = session.scalars(select(AuditEntry)).all()
    assert (entry.action, entry.user_id) == ("webhook_endpoint.disabled", None)
    assert (entry.account_id, entry.subject_id) == (endpoint.account_id, endpoint.id)
    assert entry.after == {"reason": reason}


def test_days_of_only_failures_disable_an_endpoint(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    endpoint.first_failure_at = utcnow() - timedelta(days=4, hours=23)
    session.commit()
    block = claim(session, "me", 10)

    settle(session, block, 500, after=timedelta(hours=2))

    session.refresh(endpoint)
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failing")
    assert states(session, endpoint) == ["pending"]


def test_one_success_makes_an_endpoint_healthy_again(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    endpoint.first_failure_at = utcnow() - timedelta(days=9)
    session.commit()
    edited_at = endpoint.updated_at

    settle(session, claim(session, "me", 10), 200, 500)

    session.refresh(endpoint)
    assert endpoint.enabled
    assert endpoint.first_failure_at is None
    assert endpoint.last_success_at is not None
    assert endpoint.updated_at == edited_at


def test_the_first_failure_is_remembered(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint)
    block = claim(session, "me", 10)

    settle(session, block, 500, after=timedelta(hours=-1))

    first = session.scalars(select(WebhookEndpoint.first_failure_at)).one()
    assert first is not None
    assert first < utcnow() - timedelta(minutes=59)
