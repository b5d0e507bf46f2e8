"""Sending again what a person asks for."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, AuditEntry
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput, NotFound, OnItsWay, Refused
from campaigns_app.webhooks import replay
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests import receiver as manners
from tests.factories import make_account, make_endpoint, make_user
from tests.receiver import Receiver
from tests.webhooks.scenes import (
    claim,
    let_leases_expire,
    only_attempt,
    only_delivery,
    states,
    tell,
    tell_once,
)


@pytest.fixture
def endpoint(account: Account, receiver: Receiver) -> WebhookEndpoint:
    return make_endpoint(account, url=receiver.url("/hook"))


def resend(endpoint: WebhookEndpoint, delivery_id: int) -> None:
    replay.resend_delivery(endpoint.account_id, endpoint.id, delivery_id, actor=None, now=utcnow())


def put(session: Session, **values: object) -> None:
    session.execute(update(WebhookDelivery).values(**values))
    session.commit()


def test_a_failed_event_is_sent_again(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    put(session, state="failed", attempts=10)

    resend(endpoint, only_delivery(session).id)
    deliver_webhooks()

    attempt = only_attempt(session)
    assert states(session, endpoint) == ["delivered"]
    assert (attempt.trigger, attempt.number) == ("manual", 0)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("state", ["failed", "delivered"])
def test_a_manual_attempt_that_fails_leaves_things_as_they_were(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint, state: str
) -> None:
    receiver.script("/hook", manners.status(500))
    tell_once(session, endpoint)
    put(session, state=state, attempts=3)

    resend(endpoint, only_delivery(session).id)
    deliver_webhooks()

    delivery = only_delivery(session)
    assert (delivery.state, delivery.attempts, delivery.resumes_as) == (state, 3, None)


def test_a_manual_attempt_takes_none_of_the_schedules(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500))
    tell_once(session, endpoint)
    later = utcnow() + timedelta(hours=5)
    put(session, attempts=5, next_attempt_at=later)

    resend(endpoint, only_delivery(session).id)
    resend(endpoint, only_delivery(session).id)
    deliver_webhooks()

    delivery = only_delivery(session)
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == ("pending", 5, later)
    assert len(receiver.requests) == 1


def test_an_event_on_its_way_is_not_asked_for_again(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    claim(session, "worker", 1)
    before = only_delivery(session).next_attempt_at

    with pytest.raises(OnItsWay):
        resend(endpoint, only_delivery(session).id)

    delivery = only_delivery(session)
    assert (delivery.next_attempt_at, delivery.resumes_as) == (before, None)
    assert session.scalars(select(AuditEntry)).all() == []


def test_an_event_whose_worker_died_can_be_asked_for_again(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    claim(session, "worker", 1)
    let_leases_expire(session)

    resend(endpoint, only_delivery(session).id)
    deliver_webhooks()

    assert only_attempt(session).trigger == "manual"
    assert states(session, endpoint) == ["delivered"]


def test_all_that_failed_since_a_time_is_sent_again(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=3)
    put(session, state="failed")
    first = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).first()
    assert first is not None
    first.created_at = utcnow() - timedelta(days=3)
    session.commit()
    since, now = utcnow() - timedelta(days=2), utcnow()

    resent = replay.resend_failed(endpoint.account_id, endpoint.id, since, actor=None, now=now)
    deliver_webhooks()

    assert (resent.count, resent.has_more) == (5, False)
    assert states(session, endpoint) == ["failed"] + ["delivered"] * 5


@pytest.mark.parametrize("age", [timedelta(days=15), timedelta(hours=-1)])
def test_the_time_has_bounds(endpoint: WebhookEndpoint, age: timedelta) -> None:
    now = utcnow()

    with pytest.raises(InvalidInput) as refused:
        replay.resend_failed(endpoint.account_id, endpoint.id, now - age, actor=None, now=now)

    assert refused.value.fields == ["since"]


def test_a_test_event_is_tried_once_and_told_to_one_endpoint(
    session: Session, receiver: Receiver, account: Account, endpoint: WebhookEndpoint
) -> None:
    make_endpoint(account, url=receiver.url("/other"))
    receiver.script("/hook", manners.status(500))

    replay.send_test(account.id, endpoint.id, actor=None, now=utcnow())
    deliver_webhooks()

    assert [request.path for request in receiver.requests] == ["/hook"]
    assert b'"event": "webhook_test"' in receiver.requests[0].body
    assert states(session, endpoint) == ["failed"]


def test_who_asked_is_in_the_audit_log(
    session: Session, account: Account, endpoint: WebhookEndpoint
) -> None:
    user, now = make_user(account), utcnow()

    sent = replay.send_test(account.id, endpoint.id, actor=user, now=now)
    replay.resend_delivery(account.id, endpoint.id, sent.id, actor=user, now=now)
    replay.resend_failed(account.id, endpoint.id, now, actor=user, now=now)

    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert {entry.user_id for entry in entries} == {user.id}
    assert [entry.action for entry in entries] == [
        "webhook_endpoint.tested",
        "webhook_delivery.resent",
        "webhook_endpoint.failed_resent",
    ]


def test_nothing_is_sent_to_an_endpoint_that_is_disabled(
    session: Session, account: Account, endpoint: WebhookEndpoint
) -> None:
    endpoint.enabled = False
    session.commit()

    with pytest.raises(Refused):
        replay.send_test(account.id, endpoint.id, actor=None, now=utcnow())


def test_another_accounts_delivery_is_not_found(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    foreign = make_endpoint(make_account())
    tell_once(session, foreign)

    with pytest.raises(NotFound):
        resend(endpoint, only_delivery(session).id)
