"""Who takes which deliveries."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from campaigns_app.database.bulk import refresh_statistics
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.webhooks.claiming import FEW, Room, claim_block
from campaigns_app.webhooks.models import WebhookBlock, WebhookDelivery, WebhookEndpoint
from tests.factories import make_account, make_endpoint
from tests.webhooks.scenes import (
    claim,
    let_leases_expire,
    only_event,
    states,
    tell,
    tell_once,
)


@pytest.fixture
def endpoint(session: Session) -> WebhookEndpoint:
    return make_endpoint(make_account())


def test_a_claim_holds_everything_that_is_needed(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)

    [claimed] = claim(session, "me", 10)

    assert claimed.destination.url == endpoint.url
    assert claimed.destination.secrets == (endpoint.secret,)
    assert claimed.uid == only_event(session).uid
    assert claimed.payload.decode() == only_event(session).payload
    assert claimed.attempts == 0


def test_what_one_worker_has_claimed_no_other_can(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=3)

    assert len(claim(session, "me", 100)) == 6
    assert claim(session, "you", 100) == []


def test_a_claim_lasts_as_long_as_was_asked_for(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)

    claim_block(session, "me", Room(10, 10), lease_seconds=9)

    expires_at = session.scalars(select(WebhookBlock.lease_expires_at)).one()
    assert expires_at - utcnow() <= timedelta(seconds=9)


def test_a_dead_workers_claim_can_be_taken_after_its_lease(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    [lost] = claim(session, "dead", 10)
    let_leases_expire(session)

    [claimed] = claim(session, "me", 10)

    assert claimed.id == lost.id
    assert session.scalars(select(WebhookBlock.owner)).all() == ["me"]


def test_a_conversations_events_are_not_divided_between_workers(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=3)

    blocks = [claim(session, "me", 3) for _ in range(3)]

    assert [[one.conversation_id for one in block] for block in blocks] == [[1, 1], [2, 2], [3, 3]]


def test_a_conversation_larger_than_a_block_is_still_sent(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)

    assert len(claim(session, "me", 1)) == 1


def test_a_disabled_endpoints_deliveries_wait(session: Session, endpoint: WebhookEndpoint) -> None:
    tell_once(session, endpoint)
    endpoint.enabled = False
    session.commit()

    assert claim(session, "me", 10) == []
    assert states(session, endpoint) == ["pending"]


def test_an_endpoint_that_rests_is_left_out(session: Session, endpoint: WebhookEndpoint) -> None:
    other = make_endpoint(make_account())
    tell_once(session, endpoint)
    tell_once(session, other)

    block = claim_block(
        session, "me", Room(100, 100, left={endpoint.id: 0}), lease_seconds=60
    ).deliveries

    assert [one.destination.endpoint_id for one in block] == [other.id]


def test_a_replaced_secret_signs_as_long_as_it_is_valid(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    endpoint.previous_secret = "whsec_b2xk"
    endpoint.previous_secret_expires_at = utcnow() + timedelta(hours=1)
    tell(session, endpoint)
    [valid] = claim(session, "me", 1)
    endpoint.previous_secret_expires_at = utcnow() - timedelta(hours=1)
    session.commit()

    [expired] = claim(session, "me", 1)

    assert valid.destination.secrets == (endpoint.secret, "whsec_b2xk")
    assert expired.destination.secrets == (endpoint.secret,)


def test_an_endpoint_at_rest_is_left_alone(session: Session, endpoint: WebhookEndpoint) -> None:
    tell_once(session, endpoint)
    endpoint.rests_until = utcnow() + timedelta(seconds=10)
    session.commit()
    assert claim(session, "me", 10) == []

    endpoint.rests_until = utcnow() - timedelta(seconds=1)
    session.commit()

    assert len(claim(session, "me", 10)) == 1


def test_endpoints_share_the_room(session: Session, endpoint: WebhookEndpoint) -> None:
    other = make_endpoint(make_account())
    tell(session, endpoint, conversations=20)
    tell(session, other, conversations=20)

    block = claim(session, "me", 20)

    # Ten each, without the conversation that may have been cut.
    assert Counter(one.destination.endpoint_id for one in block) == {endpoint.id: 8, other.id: 8}


def test_an_endpoint_that_was_failing_is_tried_with_a_few(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    endpoint.first_failure_at = utcnow()
    tell(session, endpoint, conversations=50)

    assert 0 < len(claim(session, "me", 100)) <= FEW


def test_a_claim_reads_only_what_it_takes(session: Session, endpoint: WebhookEndpoint) -> None:
    disabled = make_endpoint(make_account(), enabled=False)
    tell(session, endpoint, conversations=1000)
    tell(session, disabled, conversations=1000)
    refresh_statistics(session, WebhookDelivery, WebhookEndpoint)
    asked: list[tuple[str, Any]] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))

    claim(session, "me", 10)

    looks = [one for one in asked if "webhook_deliveries" in one[0] and "UPDATE" not in one[0][:6]]
    plans = [_plan(session, *one) for one in looks]
    assert len(plans) == 2
    assert all("ix_webhook_deliveries_due" in plan for plan in plans)
    assert not any("Seq Scan on webhook_deliveries" in plan for plan in plans)
    assert not any("SCAN webhook_deliveries" in plan for plan in plans)


def _plan(session: Session, statement: str, values: Any) -> str:
    is_sqlite = session.connection().dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    rows = session.connection().exec_driver_sql(explain + statement, values)
    return "\n".join(str(row) for row in rows)
