"""Full batches that go in one row from the outbox to the endpoint."""

import asyncio
import json
import time
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from campaigns_app.accounts.models import Account
from campaigns_app.database.types import utcnow
from campaigns_app.errors import OnItsWay
from campaigns_app.webhooks import replay
from campaigns_app.webhooks.bundle_model import WebhookBundle
from campaigns_app.webhooks.claiming import Room, claim_block
from campaigns_app.webhooks.condition import count_waiting, read_backlog, read_condition
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.log import LogFilter, read_attempts, read_log
from campaigns_app.webhooks.models import (
    WebhookAttempt,
    WebhookBlock,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from campaigns_app.webhooks.retention import purge
from campaigns_app.webhooks.sending import Attempt, Claimed, Outcome, sign_bundle
from campaigns_app.webhooks.settlement import settle_block
from tests import receiver as manners
from tests.factories import make_account, make_endpoint
from tests.receiver import Receiver
from tests.webhooks.scenes import let_leases_expire, states, tell, tell_once


@pytest.fixture
def account(session: Session) -> Account:
    return make_account()


@pytest.fixture
def endpoint(account: Account, receiver: Receiver) -> WebhookEndpoint:
    """One that takes ten events at once."""
    return make_endpoint(account, url=receiver.url("/hook"), batch_size=10)


def take(session: Session, owner: str = "me") -> Claimed:
    return claim_block(session, owner, Room(total=1000, usual=1000), lease_seconds=60)


def settle(session: Session, claimed: Claimed, status: int) -> None:
    now = utcnow()
    requests = [asyncio.run(sign_bundle(one)) for one in claimed.bundles]
    attempts = [Attempt(one, time.time(), 1, status, body=b"") for one in requests]
    outcome = Outcome(attempts, unsent=claimed.deliveries)
    settle_block(session, outcome, now=now, chance=Random(1), patience=timedelta(days=5))


def bundles(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(WebhookBundle)) or 0


def deliveries(session: Session) -> list[WebhookDelivery]:
    session.expire_all()
    return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def test_full_batches_are_bundled_and_the_rest_goes_its_own_way(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=12)

    claimed = take(session)

    assert [len(one.event_ids) for one in claimed.bundles] == [10, 10]
    assert len(claimed.deliveries) == 4
    told = {one.event_id for one in claimed.deliveries}.union(
        *(one.event_ids for one in claimed.bundles)
    )
    assert told == set(session.scalars(select(WebhookEvent.id)))


def test_an_endpoint_that_takes_them_one_by_one_gets_no_bundle(
    session: Session, account: Account, endpoint: WebhookEndpoint
) -> None:
    other = make_endpoint(account, url="https://other.example/hook")

    tell(session, endpoint, other, conversations=5)

    claimed = take(session)
    assert len(claimed.bundles) == 1
    assert {one.destination.endpoint_id for one in claimed.deliveries} == {other.id}


def test_a_bundle_is_one_signed_request_in_which_each_event_keeps_its_id_and_place(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=5)

    deliver_webhooks()

    [request] = receiver.requests
    told = Webhook(endpoint.secret).verify(request.body, request.headers)
    events = session.scalars(select(WebhookEvent).order_by(WebhookEvent.id)).all()
    assert told == {
        "type": "batch",
        "events": [{"id": one.uid, "event": json.loads(one.payload)} for one in events],
    }


def test_what_a_bundle_told_is_known_of_each_of_its_deliveries(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=5)

    deliver_webhooks()

    uid = receiver.requests[0].headers["webhook-id"]
    assert states(session, endpoint) == ["delivered"] * 10
    for delivery in deliveries(session):
        assert (delivery.attempts, delivery.taken_in) == (1, uid)
        assert delivery.delivered_at is not None
        [logged] = read_attempts(delivery)
        assert (logged.event_count, logged.attempt.status_code) == (10, 200)
        assert logged.body == receiver.requests[0].body.decode()


def test_a_bundle_that_was_refused_is_a_failed_attempt_at_each_of_its_events(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500))
    tell(session, endpoint, conversations=5)

    deliver_webhooks()

    assert bundles(session) == 0
    for delivery in deliveries(session):
        assert (delivery.state, delivery.attempts, delivery.taken_in) == ("pending", 1, None)
        assert delivery.next_attempt_at > utcnow()
        [logged] = read_attempts(delivery)
        assert (logged.event_count, logged.attempt.status_code) == (10, 500)


def test_what_was_refused_is_sent_again_under_the_same_ids(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500), manners.status(200))
    tell(session, endpoint, conversations=5)
    deliver_webhooks()
    session.execute(update(WebhookDelivery).values(next_attempt_at=WebhookDelivery.created_at))
    session.commit()

    deliver_webhooks()

    first, second = (
        [entry["id"] for entry in json.loads(one.body)["events"]] for one in receiver.requests
    )
    assert sorted(first) == sorted(second)
    assert states(session, endpoint) == ["delivered"] * 10


def test_an_endpoint_that_is_gone_hears_no_more_and_all_that_waits_has_failed(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", *[manners.status(410)] * 20)
    tell(session, endpoint, conversations=50)

    deliver_webhooks()
    while "pending" in states(session, endpoint):
        session.rollback()
        purge()

    assert states(session, endpoint) == ["failed"] * 100
    assert bundles(session) == 0


def test_what_an_endpoint_does_not_take_at_once_any_more_goes_in_smaller_pieces(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=5)
    endpoint.batch_size = 4
    session.commit()

    deliver_webhooks()

    sizes = [len(json.loads(one.body)["events"]) for one in receiver.requests]
    assert (sorted(sizes), sum(sizes)) == ([2, 4, 4], 10)
    assert states(session, endpoint) == ["delivered"] * 10


def test_events_that_are_not_kept_any_more_hold_up_no_others(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=5)
    session.execute(delete(WebhookEvent).where(WebhookEvent.conversation_id == 1))
    session.commit()

    deliver_webhooks()

    assert [len(json.loads(one.body)["events"]) for one in receiver.requests] == [8]
    assert states(session, endpoint) == ["delivered"] * 8


def test_what_comes_later_is_told_later(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint, conversations=10)
    session.execute(update(WebhookBundle).values(created_at=utcnow() - timedelta(minutes=1)))
    session.commit()
    tell_once(session, endpoint)

    first, second = take(session), take(session)

    assert (len(first.bundles), len(first.deliveries)) == (2, 0)
    assert (len(second.bundles), len(second.deliveries)) == (0, 1)


def test_nobody_else_can_take_a_bundle_until_its_worker_is_dead(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=5)
    [lost] = take(session, "dead").bundles

    assert take(session).bundles == []
    let_leases_expire(session)

    [bundle] = take(session).bundles
    assert (bundle.id, bundle.body) == (lost.id, lost.body)


def test_a_stale_worker_changes_nothing(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint, conversations=5)
    stale = take(session, "stale")
    let_leases_expire(session)
    fresh = take(session)

    settle(session, stale, 200)
    assert states(session, endpoint) == ["pending"] * 10
    settle(session, fresh, 500)
    settle(session, stale, 200)

    assert states(session, endpoint) == ["pending"] * 10
    assert {one.attempts for one in deliveries(session)} == {1}


def test_what_was_not_sent_is_given_back(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint, conversations=5)
    claimed = take(session)

    outcome = Outcome(unsent_bundles=claimed.bundles)
    settle_block(session, outcome, now=utcnow(), chance=Random(1), patience=timedelta(days=5))

    assert session.scalars(select(WebhookBlock)).all() == []
    assert len(take(session, "you").bundles) == 1


@pytest.mark.parametrize("status", [200, 500])
def test_an_endpoint_can_be_deleted_while_a_bundle_is_on_its_way(
    session: Session, endpoint: WebhookEndpoint, status: int
) -> None:
    tell(session, endpoint, conversations=5)
    claimed = take(session)
    session.delete(endpoint)
    session.commit()

    settle(session, claimed, status)

    assert (bundles(session), deliveries(session)) == (0, [])
    assert session.scalars(select(WebhookAttempt)).all() == []


def test_bundles_wait_like_others(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint, conversations=12)
    session.execute(update(WebhookBundle).values(created_at=utcnow() - timedelta(minutes=5)))
    session.commit()

    assert count_waiting([endpoint.id])[endpoint.id].count == 24
    condition = read_condition(endpoint)
    assert condition.waiting.count == 24
    assert condition.oldest_at is not None
    assert condition.oldest_at < utcnow() - timedelta(minutes=4)
    backlog = read_backlog(session, utcnow())
    assert (backlog.waiting.count, backlog.late_seconds > 240) == (24, True)


def test_the_log_finds_what_is_in_bundles(session: Session, endpoint: WebhookEndpoint) -> None:
    def found(state: str, event_type: str | None = None) -> int:
        wanted = LogFilter(state=state, event_type=event_type)
        return len(read_log(endpoint, wanted, size=100).entries)

    tell(session, endpoint, conversations=12)
    assert [found(state) for state in ("pending", "delivered", "failed")] == [24, 0, 0]
    assert found("pending", "message_created") == 12

    settle(session, take(session), 200)

    assert [found(state) for state in ("pending", "delivered", "failed")] == [4, 20, 0]
    assert found("delivered", "message_created") == 10


@pytest.mark.parametrize("is_delivered", [False, True])
def test_one_of_a_bundle_can_be_sent_again(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint, is_delivered: bool
) -> None:
    tell(session, endpoint, conversations=5)
    if is_delivered:
        deliver_webhooks()
    before = len(receiver.requests)
    third = deliveries(session)[2]

    replay.resend_delivery(endpoint.account_id, endpoint.id, third.id, actor=None, now=utcnow())
    deliver_webhooks()

    told = [json.loads(one.body)["events"] for one in receiver.requests[before:]]
    assert len(told) == 1
    assert len(told[0]) == (1 if is_delivered else 10)
    assert third.event.uid in {entry["id"] for entry in told[0]}
    assert states(session, endpoint) == ["delivered"] * 10
    assert [one.attempts for one in deliveries(session) if one.id != third.id] == [1] * 9


def test_one_whose_bundle_is_on_its_way_cannot_be_sent_again(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=5)
    take(session)
    first = deliveries(session)[0]

    with pytest.raises(OnItsWay):
        replay.resend_delivery(endpoint.account_id, endpoint.id, first.id, actor=None, now=utcnow())

    assert bundles(session) == 1


def test_bundles_are_forgotten_after_their_events(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=5)
    long_ago = utcnow() - timedelta(days=1000)
    session.execute(update(WebhookEvent).values(created_at=long_ago))
    session.execute(update(WebhookBundle).values(created_at=long_ago))
    session.commit()

    purge()
    assert (deliveries(session), bundles(session)) == ([], 1)
    session.rollback()
    purge()

    assert bundles(session) == 0
