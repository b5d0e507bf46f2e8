"""The consumers that README shows believe what is from us and from now, and nothing else."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.webhooks import service
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.signing import new_secret, signature_headers
from tests.factories import make_account, make_endpoint
from tests.webhooks.consumers import (
    Consumer,
    install_npm_library,
    javascript_consumer,
    python_consumer,
    shown_in_readme,
)
from tests.webhooks.scenes import PAYLOAD, only_event, states, tell_once

BODY = PAYLOAD.encode()
Start = Callable[[str], Consumer]


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the official library for Node.js."""
    folder = tmp_path_factory.mktemp("node")
    if reason := install_npm_library(folder):
        pytest.skip(reason)
    return folder


@pytest.fixture(params=["python", pytest.param("javascript", marks=pytest.mark.node)])
def start(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Start]:
    """Starts a consumer that knows one secret."""
    with ExitStack() as stack:

        def start_one(secret: str) -> Consumer:
            folder = tmp_path_factory.mktemp("consumer")
            running: AbstractContextManager[Consumer]
            if request.param == "python":
                running = python_consumer(folder, secret)
            else:
                modules = request.getfixturevalue("node_modules")
                running = javascript_consumer(folder, secret, modules)
            return stack.enter_context(running)

        yield start_one


def post(consumer: Consumer, headers: dict[str, str], body: bytes = BODY) -> int:
    asked = urllib.request.Request(consumer.url, data=body, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code


def signed(secret: str, *, seconds: int = 0, body: bytes = BODY) -> dict[str, str]:
    return signature_headers([secret], "msg_1", int(utcnow().timestamp()) + seconds, body)


def test_what_is_tampered_with_stale_or_anothers_is_refused(start: Start) -> None:
    secret = new_secret()
    consumer = start(secret)

    assert post(consumer, signed(secret)) == 204
    assert post(consumer, signed(secret), BODY + b" ") == 401
    assert post(consumer, signed(secret, body=b"\xff"), b"\xff") == 401
    assert post(consumer, signed(secret, seconds=-301)) == 401
    assert post(consumer, signed(secret, seconds=310)) == 401
    assert post(consumer, signed(new_secret())) == 401
    assert post(consumer, {}) == 401
    for garbage in ("", "v1,", "v2,abc"):
        assert post(consumer, signed(secret) | {"webhook-signature": garbage}) == 401
    # The library for Python takes offence at these in a way of its own.
    for garbage in ("v1", "garbage"):
        assert post(consumer, signed(secret) | {"webhook-signature": garbage}) in (401, 500)
    assert consumer.printed() == ["msg_1 conversation_created"]


@pytest.mark.parametrize("language", ["python", "js"])
def test_a_consumer_takes_ten_lines(language: str) -> None:
    assert len(list(filter(None, shown_in_readme(language).splitlines()))) == 10


def test_a_replaced_secret_is_believed_beside_the_new_one_until_it_has_leaked(
    start: Start, session: Session
) -> None:
    endpoint = make_endpoint(make_account(), secret=new_secret())
    knows_old = start(endpoint.secret)
    endpoint.url = knows_old.url
    service.rotate_secret(endpoint.account_id, endpoint.id, now=utcnow())
    knows_new = start(endpoint.secret)

    for consumer in (knows_old, knows_new):
        endpoint.url = consumer.url
        tell_once(session, endpoint)
        deliver_webhooks()
        assert states(session, endpoint)[-1] == "delivered"
    service.rotate_secret(endpoint.account_id, endpoint.id, now=utcnow(), keep_old=False)
    tell_once(session, endpoint)
    deliver_webhooks()

    assert states(session, endpoint) == ["delivered", "delivered", "pending"]
    assert len(knows_old.printed()) == len(knows_new.printed()) == 1


def test_a_delivery_arrives_at_the_official_library(start: Start, session: Session) -> None:
    endpoint = make_endpoint(make_account(), secret=new_secret())
    consumer = start(endpoint.secret)
    endpoint.url = consumer.url
    tell_once(session, endpoint)

    deliver_webhooks()

    assert consumer.printed() == [f"{only_event(session).uid} conversation_created"]
    assert states(session, endpoint) == ["delivered"]
