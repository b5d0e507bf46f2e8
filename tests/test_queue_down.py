"""With Redis down nothing is refused and nothing is lost; pages say so, and it catches up alone."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app import create_app, job_queue
from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.states import Phase
from campaigns_app.campaigns.sweep import sweep
from campaigns_app.extensions import db
from campaigns_app.operations.embedded import RESTART_SECONDS, EmbeddedRedis
from tests.conftest import TEST_SETTINGS, Browser, log_in
from tests.factories import make_account, make_contact, make_inbox, make_label, make_user

HTMX = {"HX-Request": "true"}
NOTICE = "The queue cannot be reached."
LONGEST_WAIT_SECONDS = 20


class Queue:
    """A Redis that can be taken away, be made to hang, and come back."""

    def __init__(self, server: EmbeddedRedis) -> None:
        self.server = server
        self._pid = 0

    def end(self) -> None:
        with redis.Redis.from_url(self.server.url) as connection:
            connection.shutdown(nosave=True)

    def hang(self) -> None:
        with redis.Redis.from_url(self.server.url) as connection:
            self._pid = connection.info()["process_id"]
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGCONT)

    def come_back(self) -> None:
        """Have it started again by what looks after it, and wait until it answers."""
        deadline = time.monotonic() + RESTART_SECONDS + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            self.server.look()
            try:
                with redis.Redis.from_url(self.server.url) as connection:
                    if connection.ping():
                        return
            except redis.RedisError:
                time.sleep(0.05)
        raise TimeoutError("Redis did not come back")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    server = EmbeddedRedis(tmp_path)
    server.start()
    queue = Queue(server)
    yield queue
    queue.go_on()
    server.stop()


@pytest.fixture
def office(app: Flask, database_url: str, queue: Queue) -> Iterator[Flask]:
    """The application over a queue of its own; `app` sees to the database they share."""
    settings = {**TEST_SETTINGS, "DATABASE_URL": database_url, "REDIS_URL": queue.server.url}
    office = create_app(settings, TESTING=True, WTF_CSRF_ENABLED=False)
    office.test_client_class = Browser
    with office.app_context():
        yield office
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is asked anew each time, so that nobody has to wait for an answer to grow old."""
    monkeypatch.setattr(job_queue, "PROBED_FOR_SECONDS", 0)


@pytest.fixture
def account(office: Flask) -> Account:
    return make_account()


@pytest.fixture
def browser(office: Flask, account: Account) -> FlaskClient:
    return log_in(office.test_client(), make_user(account))


@pytest.fixture
def filled_in(account: Account) -> dict[str, Any]:
    label = make_label(account)
    make_contact(account, label)
    return {
        "title": "Summer Promotion",
        "message": "Hello",
        "inbox_id": make_inbox(account).id,
        "audience": [label.id],
        "when": "now",
        "submission": "a number that was in the form",
    }


def look() -> None:
    """Sweep, as a process of its own would."""
    db.session.rollback()
    sweep()


def work() -> None:
    """Do what lies in the queue, as a worker would."""
    names = [job_queue.get_queue(job_queue.CAMPAIGNS)]
    worker = SimpleWorker(names, connection=job_queue.get_redis(), serializer=JSONSerializer)
    worker.work(burst=True)


@pytest.mark.usefixtures("always_asked")
def test_what_was_made_while_redis_was_down_is_sent_when_it_is_back(
    queue: Queue, browser: FlaskClient, filled_in: dict[str, Any]
) -> None:
    queue.end()
    made = browser.post("/campaigns/", data=filled_in, headers=HTMX)
    assert made.status_code == 204
    look()
    for page in ("/campaigns/", "/campaigns/1", "/campaigns/queue-notice"):
        assert NOTICE in browser.get(page).text

    queue.come_back()
    look()
    work()

    campaign = db.session.scalars(select(Campaign)).one()
    assert campaign.phase is Phase.FINISHED
    assert count_states(campaign.id) == Counts(total=1, sent=1)
    for page in ("/campaigns/", "/campaigns/1", "/campaigns/queue-notice"):
        assert NOTICE not in browser.get(page).text


@pytest.mark.usefixtures("always_asked")
def test_campaigns_are_scheduled_changed_and_controlled_while_redis_is_down(
    queue: Queue, browser: FlaskClient, filled_in: dict[str, Any]
) -> None:
    queue.end()
    later = filled_in | {"when": "later", "scheduled_at": "2035-01-01T10:00"}

    answers = [
        browser.post(address, data=later, headers=HTMX).status_code
        for address in (
            "/campaigns/",
            "/campaigns/1/edit",
            "/campaigns/1/pause",
            "/campaigns/1/resume",
            "/campaigns/1/cancel",
        )
    ]

    assert answers == [204] * 5


@pytest.mark.usefixtures("always_asked")
def test_an_open_page_hears_of_it_and_asks_until_it_is_over(
    queue: Queue, browser: FlaskClient, filled_in: dict[str, Any]
) -> None:
    browser.post("/campaigns/", data=filled_in, headers=HTMX)
    assert "every " not in browser.get("/campaigns/queue-notice").text
    queue.end()

    for part in ("/campaigns/table", "/campaigns/1/overview"):
        assert "queue-missed" in browser.get(part, headers=HTMX).headers["HX-Trigger"]
    assert "every 4s" in browser.get("/campaigns/queue-notice").text


def test_a_redis_that_hangs_is_asked_once_for_many_pages(
    queue: Queue, browser: FlaskClient, filled_in: dict[str, Any], office: Flask
) -> None:
    probe = office.extensions[job_queue.PROBE_EXTENSION]
    queue.hang()

    assert NOTICE in browser.get("/campaigns/").text
    asked_at = probe.asked_at = time.monotonic()
    made = browser.post("/campaigns/", data=filled_in, headers=HTMX)

    assert made.status_code == 204
    assert NOTICE in browser.get("/campaigns/1").text
    assert probe.asked_at == asked_at


def test_a_redis_that_started_anew_is_reachable_at_once(
    queue: Queue, office: Flask, session: Session, always_asked: None
) -> None:
    assert job_queue.seems_reachable()
    queue.end()
    queue.come_back()

    assert job_queue.seems_reachable()
