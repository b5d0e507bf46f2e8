"""Sending what is due, to real servers."""

import json
import resource
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from campaigns_app import job_queue
from campaigns_app.accounts.models import User
from campaigns_app.webhooks import jobs
from campaigns_app.webhooks.claiming import Room, claim_block
from campaigns_app.webhooks.jobs import deliver_webhooks, enqueue_due_deliveries, ring
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from tests import receiver as manners
from tests.factories import make_account, make_endpoint
from tests.receiver import Receiver
from tests.webhooks.scenes import (
    PAYLOAD,
    attempt_count,
    let_leases_expire,
    only_attempt,
    only_delivery,
    only_event,
    states,
    tell,
    tell_once,
)


@pytest.fixture
def endpoint(session: Session, receiver: Receiver) -> WebhookEndpoint:
    return make_endpoint(make_account(), url=receiver.url("/hook"))


@pytest.fixture(autouse=True)
def impatient(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """One second for an answer."""
    monkeypatch.setitem(app.config, "WEBHOOK_TIMEOUT_SECONDS", 1)


def test_a_delivery_is_signed_and_sent_as_it_was_written(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)

    deliver_webhooks()

    [request] = receiver.requests
    assert Webhook(endpoint.secret).verify(request.body, request.headers) == json.loads(PAYLOAD)
    assert request.body.decode() == PAYLOAD
    assert request.headers["webhook-id"] == only_event(session).uid
    assert request.headers["User-Agent"].startswith("Campaigns-Webhooks/")
    assert states(session, endpoint) == ["delivered"]


def test_a_second_run_sends_nothing_again(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=5)

    deliver_webhooks()
    deliver_webhooks()

    assert len(receiver.requests) == len({one.headers["webhook-id"] for one in receiver.requests})
    assert len(receiver.requests) == 10


def test_many_runs_at_once_send_everything_once(
    app: Flask, session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=300)

    def work() -> None:
        with app.app_context():
            deliver_webhooks()

    with ThreadPoolExecutor(4) as pool:
        for run in [pool.submit(work) for _ in range(4)]:
            run.result()

    assert len(receiver.requests) == 600
    assert len({one.headers["webhook-id"] for one in receiver.requests}) == 600
    assert set(states(session, endpoint)) == {"delivered"}


def test_a_conversation_is_told_of_before_its_message(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint, conversations=150)
    written = list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))
    uids = [delivery.event.uid for delivery in written]

    deliver_webhooks()

    places = {one.headers["webhook-id"]: place for place, one in enumerate(receiver.requests)}
    assert all(places[a] < places[b] for a, b in zip(uids[::2], uids[1::2], strict=True))


def test_an_attempt_keeps_status_time_and_the_beginning_of_the_answer(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500, b"out of \x00 paper" + b"!" * 20_000))
    tell_once(session, endpoint)

    deliver_webhooks()

    attempt = only_attempt(session)
    assert (attempt.status_code, attempt.error) == (500, None)
    assert attempt.response_body is not None
    assert attempt.response_body.startswith("out of \ufffd paper!!!")
    assert len(attempt.response_body) == 16_384
    assert states(session, endpoint) == ["pending"]


@pytest.mark.parametrize(
    ("manner", "error"),
    [
        *((manners.silence, "no answer in time"), (manners.drip, "no answer in time")),
        *((manners.reset, "connection lost"), (manners.gibberish, "answer is not HTTP")),
    ],
)
def test_what_is_no_answer_is_a_failed_attempt(
    session: Session,
    receiver: Receiver,
    endpoint: WebhookEndpoint,
    manner: manners.Manner,
    error: str,
) -> None:
    receiver.script("/hook", manner)
    tell_once(session, endpoint)

    deliver_webhooks()

    attempt = only_attempt(session)
    assert (attempt.status_code, attempt.error) == (None, error)
    assert states(session, endpoint) == ["pending"]


@pytest.mark.parametrize(
    ("manner", "state"),
    [
        *((manners.drip, "pending"), (manners.endless_headers, "pending")),
        *((manners.reset, "pending"), (manners.flood, "delivered"), (manners.bomb, "delivered")),
    ],
)
def test_a_hostile_endpoint_costs_neither_time_nor_memory(
    session: Session,
    receiver: Receiver,
    endpoint: WebhookEndpoint,
    manner: manners.Manner,
    state: str,
) -> None:
    receiver.script("/hook", manner)
    tell_once(session, endpoint)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    deliver_webhooks()

    assert states(session, endpoint) == [state]
    assert only_attempt(session).duration_ms < 5_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 000 \r\n\r\n",
        b"HTTP/1.1 101 \r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 99999 \r\n\r\n",
        b"HTTP/1.1 500 \0\r\n\r\n\0\xff",
        b"HTTP/1.1 503 \r\nRetry-After: 1 Jan 99999999999999999999 00:00:00 GMT\r\n\r\n",
        b"HTTP/1.1 503 \r\nRetry-After: 999999999\r\n\r\n",
        b"HTTP/1.1 503 \r\nRetry-After: Fri, 31 Dec 9999 23:59:59 -2359\r\n\r\n",
        b"HTTP/1.1 500 \r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 500 \r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx",
        b"hello\r\n\r\n",
    ],
)
def test_whatever_is_answered_is_a_failed_attempt(
    admin_client: FlaskClient, admin: User, session: Session, receiver: Receiver, answer: bytes
) -> None:
    account = admin.memberships[0].account
    endpoint = make_endpoint(account, url=receiver.script("/odd", manners.raw(answer)))
    healthy = make_endpoint(account, url=receiver.url("/hook"))
    tell(session, endpoint, healthy)

    deliver_webhooks()

    assert states(session, endpoint) == ["pending", "pending"]
    assert states(session, healthy) == ["delivered", "delivered"]
    page = admin_client.get(f"/webhooks/{endpoint.id}")
    assert page.status_code == 200
    assert "None" not in page.text


def test_what_an_endpoints_owner_added_is_sent_and_kept_masked(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    endpoint.headers = {"X-Api-Key": "hush"}
    tell_once(session, endpoint)

    deliver_webhooks()

    [request] = receiver.requests
    kept = only_attempt(session).request_headers
    assert request.headers["X-Api-Key"] == "hush"
    assert kept is not None
    assert "hush" not in str(kept)
    assert "X-Api-Key" in kept
    assert kept["webhook-signature"] == request.headers["webhook-signature"]


def test_a_batch_is_one_signed_request_in_which_each_event_keeps_its_id(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    endpoint.batch_size = 10
    tell(session, endpoint, conversations=8)

    deliver_webhooks()

    told = [Webhook(endpoint.secret).verify(one.body, one.headers) for one in receiver.requests]
    assert sorted((one["type"], len(one["events"])) for one in told) == [
        ("batch", 6),
        ("batch", 10),
    ]
    events = [entry for one in told for entry in one["events"]]
    assert {entry["id"] for entry in events} == set(session.scalars(select(WebhookEvent.uid)))
    assert events[0]["event"] == json.loads(PAYLOAD)
    assert states(session, endpoint) == ["delivered"] * 16


def test_a_refused_batch_is_a_failed_attempt_at_each_of_its_events(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500), manners.status(200))
    endpoint.batch_size = 10
    tell(session, endpoint, conversations=2)
    deliver_webhooks()
    assert states(session, endpoint) == ["pending"] * 4
    session.execute(update(WebhookDelivery).values(next_attempt_at=WebhookDelivery.created_at))
    session.commit()

    deliver_webhooks()

    first, second = (json.loads(request.body) for request in receiver.requests)
    assert sorted(one["id"] for one in first["events"]) == sorted(
        one["id"] for one in second["events"]
    )
    assert (states(session, endpoint), attempt_count(session)) == (["delivered"] * 4, 4 + 1)


def test_a_destination_inside_is_recorded_without_detail(
    app: Flask,
    session: Session,
    receiver: Receiver,
    endpoint: WebhookEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.config, "WEBHOOK_ALLOWED_NETWORKS", ())
    tell_once(session, endpoint)

    deliver_webhooks()

    attempt = only_attempt(session)
    assert (attempt.error, attempt.duration_ms) == ("destination not allowed", 0)
    assert (attempt.status_code, attempt.response_body) == (None, None)
    assert receiver.connections == 0


def test_a_redirect_is_a_failure_and_is_not_followed(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(307, Location=receiver.url("/elsewhere")))
    tell_once(session, endpoint)

    deliver_webhooks()

    assert [request.path for request in receiver.requests] == ["/hook"]
    assert (states(session, endpoint), only_attempt(session).status_code) == (["pending"], 307)


def test_an_endpoint_that_asks_for_time_gets_it(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(429, Retry_After="100"))
    tell_once(session, endpoint)

    deliver_webhooks()

    wait = only_delivery(session).next_attempt_at - only_attempt(session).started_at
    assert 100 <= wait.total_seconds() <= 120


def test_the_same_id_is_sent_on_every_attempt(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    receiver.script("/hook", manners.status(500), manners.status(200))
    tell_once(session, endpoint)
    deliver_webhooks()
    delivery = only_delivery(session)
    delivery.next_attempt_at = delivery.created_at
    session.commit()

    deliver_webhooks()

    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert (states(session, endpoint), attempt_count(session)) == (["delivered"], 2)


def test_what_a_dead_worker_held_is_sent_by_another(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    tell_once(session, endpoint)
    claim_block(session, "dead", Room(10, 10), lease_seconds=60)
    deliver_webhooks()
    assert receiver.requests == []
    let_leases_expire(session)

    assert enqueue_due_deliveries()
    deliver_webhooks()

    assert states(session, endpoint) == ["delivered"]


def test_a_silent_endpoint_does_not_keep_the_others_waiting(
    session: Session, receiver: Receiver, endpoint: WebhookEndpoint
) -> None:
    silent = make_endpoint(make_account(), url=receiver.script("/silent", manners.silence))
    tell(session, silent, conversations=200)
    tell(session, endpoint, conversations=200)

    deliver_webhooks()

    assert states(session, endpoint) == ["delivered"] * 400
    assert set(states(session, silent)) == {"pending"}
    # Half of the requests under way, once, is all that it got.
    assert len([one for one in receiver.requests if one.path == "/silent"]) <= 10


def test_accounts_do_not_see_each_others_events(session: Session, receiver: Receiver) -> None:
    one = make_endpoint(make_account(), url=receiver.url("/one"))
    two = make_endpoint(make_account(), url=receiver.url("/two"), secret="whsec_dHdv")
    tell_once(session, one)
    tell_once(session, two)

    deliver_webhooks()

    for request in receiver.requests:
        secret = one.secret if request.path == "/one" else two.secret
        Webhook(secret).verify(request.body, request.headers)
    assert sorted(request.path for request in receiver.requests) == ["/one", "/two"]


def test_the_sweep_rings_only_when_something_is_due(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    assert not enqueue_due_deliveries()
    assert job_queue.waiting(job_queue.WEBHOOKS) == 0
    tell_once(session, endpoint)

    assert enqueue_due_deliveries()
    assert job_queue.waiting(job_queue.WEBHOOKS) == 1


def test_a_job_that_hangs_is_ended_within_minutes(session: Session) -> None:
    jobs.ring()

    [job] = job_queue.get_queue(job_queue.WEBHOOKS).jobs
    assert jobs.SHIFT_SECONDS < (job.timeout or 0) <= 180


def test_ringing_does_not_pile_up_jobs(app: Flask) -> None:
    for _ in range(20):
        ring()

    assert job_queue.waiting(job_queue.WEBHOOKS) == jobs.ENOUGH_WAITING
