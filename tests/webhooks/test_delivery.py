"""Who sends which delivery, and what becomes of it."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.webhooks.delivery import claim_block, settle_block
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.sending import Attempt, ClaimedDelivery
from tests.factories import make_account, make_endpoint
from tests.webhooks.scenes import (
    attempt_count,
    let_leases_expire,
    only_attempt,
    only_delivery,
    only_event,
    states,
    tell,
    tell_once,
)


def answered(delivery: ClaimedDelivery, status: int) -> Attempt:
    return Attempt(delivery, started_at=utcnow(), duration_ms=1, status=status, body="")


def settle(
    session: Session, block: list[ClaimedDelivery], *statuses: int, after: timedelta = timedelta()
) -> None:
    attempts = [answered(one, status) for one, status in zip(block, statuses, strict=False)]
    settle_block(session, block, attempts, now=utcnow() + after, chance=Random(1))


@pytest.fixture
def endpoint(session: Session) -> WebhookEndpoint:
    return make_endpoint(make_account())


def test_a_claim_holds_everything_that_is_needed(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)

    [claimed] = claim_block(session, "me", 10)

    assert claimed.url == endpoint.url
    assert claimed.secrets == (endpoint.secret,)
    assert claimed.uid == only_event(session).uid
    assert claimed.payload == only_event(session).payload
    assert (claimed.attempts, claimed.fence) == (0, 1)


def test_what_one_worker_has_claimed_no_other_can(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=3)

    assert len(claim_block(session, "me", 100)) == 6
    assert claim_block(session, "you", 100) == []


def test_a_claim_lasts_as_long_as_was_asked_for(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)

    claim_block(session, "me", 10, lease_seconds=9)

    expires_at = only_delivery(session).lease_expires_at
    assert expires_at is not None
    assert expires_at - utcnow() <= timedelta(seconds=9)


def test_a_dead_workers_claim_can_be_taken_after_its_lease(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    claim_block(session, "dead", 10)
    let_leases_expire(session)

    [claimed] = claim_block(session, "me", 10)

    assert claimed.fence == 2


def test_a_stale_worker_changes_nothing(session: Session, endpoint: WebhookEndpoint) -> None:
    tell_once(session, endpoint)
    stale = claim_block(session, "stale", 10)
    let_leases_expire(session)
    fresh = claim_block(session, "me", 10)

    settle(session, stale, 200)
    assert (states(session, endpoint), attempt_count(session)) == (["pending"], 0)
    settle(session, fresh, 500)
    settle(session, stale, 200)

    assert (states(session, endpoint), attempt_count(session)) == (["pending"], 1)


def test_an_event_that_was_taken_is_delivered(session: Session, endpoint: WebhookEndpoint) -> None:
    tell_once(session, endpoint)

    settle(session, claim_block(session, "me", 10), 204)

    delivery, attempt = only_delivery(session), only_attempt(session)
    assert (delivery.state, delivery.attempts, delivery.lease_owner) == ("delivered", 1, None)
    assert delivery.delivered_at is not None
    assert (attempt.number, attempt.status_code, attempt.trigger) == (1, 204, "scheduled")
    assert claim_block(session, "me", 10) == []


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_a_refused_event_waits_for_its_next_time(
    session: Session, endpoint: WebhookEndpoint, status: int
) -> None:
    tell_once(session, endpoint)

    settle(session, claim_block(session, "me", 10), status)

    delivery = only_delivery(session)
    wait = delivery.next_attempt_at - only_attempt(session).started_at
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert timedelta(seconds=4) <= wait <= timedelta(seconds=6)
    assert claim_block(session, "me", 10) == []


def test_after_the_tenth_refusal_a_delivery_has_failed(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    only_delivery(session).attempts = 9
    session.commit()

    settle(session, claim_block(session, "me", 10), 500)

    assert states(session, endpoint) == ["failed"]
    assert only_attempt(session).number == 10


def test_what_was_not_attempted_is_given_back(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint)

    settle(session, claim_block(session, "me", 10), 200)

    assert states(session, endpoint) == ["delivered", "pending"]
    assert len(claim_block(session, "me", 10)) == 1


def test_a_conversations_events_are_not_divided_between_workers(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=3)

    blocks = [claim_block(session, "me", 3) for _ in range(3)]

    assert [[one.conversation_id for one in block] for block in blocks] == [[1, 1], [2, 2], [3, 3]]


def test_a_conversation_larger_than_a_block_is_still_sent(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)

    assert len(claim_block(session, "me", 1)) == 1


def test_a_disabled_endpoints_deliveries_wait(session: Session, endpoint: WebhookEndpoint) -> None:
    tell_once(session, endpoint)
    endpoint.enabled = False
    session.commit()

    assert claim_block(session, "me", 10) == []
    assert states(session, endpoint) == ["pending"]


def test_an_endpoint_that_rests_is_left_out(session: Session, endpoint: WebhookEndpoint) -> None:
    other = make_endpoint(make_account())
    tell_once(session, endpoint)
    tell_once(session, other)

    block = claim_block(session, "me", 10, except_endpoints=[endpoint.id])

    assert [one.endpoint_id for one in block] == [other.id]


def test_an_endpoint_that_is_gone_is_disabled_and_told_of_nothing_more(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    other = make_endpoint(make_account())
    tell(session, endpoint, conversations=2)
    tell_once(session, other)

    settle(session, claim_block(session, "me", 2), 410)

    assert states(session, endpoint) == ["failed"] * 4
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")
    assert (other.enabled, states(session, other)) == (True, ["pending"])


def test_days_of_only_failures_disable_an_endpoint(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    endpoint.first_failure_at = utcnow() - timedelta(days=4, hours=23)
    session.commit()
    block = claim_block(session, "me", 10)

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

    settle(session, claim_block(session, "me", 10), 200, 500)

    session.refresh(endpoint)
    assert endpoint.enabled
    assert endpoint.first_failure_at is None
    assert endpoint.last_success_at is not None
    assert endpoint.updated_at == edited_at


def test_the_first_failure_is_remembered(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint)
    block = claim_block(session, "me", 10)

    settle(session, block, 500, after=timedelta(hours=-1))

    first = session.scalars(select(WebhookEndpoint.first_failure_at)).one()
    assert first is not None
    assert first < utcnow() - timedelta(minutes=59)


def test_a_replaced_secret_signs_as_long_as_it_is_valid(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    endpoint.previous_secret = "whsec_b2xk"
    endpoint.previous_secret_expires_at = utcnow() + timedelta(hours=1)
    tell(session, endpoint)
    [valid] = claim_block(session, "me", 1)
    endpoint.previous_secret_expires_at = utcnow() - timedelta(hours=1)
    session.commit()

    [expired] = claim_block(session, "me", 1)

    assert valid.secrets == (endpoint.secret, "whsec_b2xk")
    assert expired.secrets == (endpoint.secret,)
