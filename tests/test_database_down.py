"""A database that goes away under a campaign and comes back: nobody is lost or written to twice."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask, g
from flask_migrate import upgrade
from sqlalchemy import func, select

from campaigns_app import create_app
from campaigns_app.campaigns.checking.check import check_campaigns
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.channels.registry import get_channels
from campaigns_app.conversations.models import Conversation
from campaigns_app.database.transactions import reading
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db
from campaigns_app.job_queue import get_redis
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.local_postgres import LocalPostgres
from tests.campaigns.progress import is_finished
from tests.conftest import TEST_SETTINGS, WORKER, Start, log_in
from tests.factories import make_account, make_token, make_user
from tests.operations.processes import wait_until

CONTACTS = 2000
AWAY_SECONDS = 3
PACE = {"BATCH_SIZE": "500", "CHUNK_SIZE": "20", "LEASE_SECONDS": "2", "LOG_LEVEL": "ERROR"}


@pytest.fixture
def server() -> Iterator[LocalPostgres]:
    """A PostgreSQL of the test's own, which it may take away."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(LocalPostgres())
        except CannotStart as reason:
            pytest.skip(str(reason))
        yield server


@pytest.fixture
def app(server: LocalPostgres, redis_url: str) -> Iterator[Flask]:
    """The application on that server; takes the place of the one that all tests share."""
    settings = {"DATABASE_URL": server.create_database(), "REDIS_URL": redis_url}
    app = create_app(TEST_SETTINGS | settings, TESTING=True)
    with app.app_context():
        upgrade()
        yield app
        db.session.remove()
        db.engine.dispose()
        get_redis().flushall()


@pytest.mark.parametrize("at_once", [False, True], ids=["stopped", "crashed"])
def test_a_database_that_goes_away_under_a_campaign_costs_nobody_anything(
    app: Flask, server: LocalPostgres, start: Start, at_once: bool
) -> None:
    campaign_id = make_due_campaign(db.session(), CONTACTS)
    execute_campaign(campaign_id)
    workers = [start(*WORKER, **PACE), start(*WORKER, **PACE), start("sweep", **PACE)]
    wait_until(lambda: sent(campaign_id) >= CONTACTS // 10)

    server.stop(at_once=at_once)
    # How long the fault lasts; there is nothing to wait for.
    time.sleep(AWAY_SECONDS)
    server.start()
    db.engine.dispose()
    assert not is_finished(campaign_id)
    wait_until(lambda: is_finished(campaign_id))

    assert [process.poll() for process in workers] == [None] * 3
    assert count_states(campaign_id) == Counts(total=CONTACTS, sent=CONTACTS)
    assert db.session.scalar(select(func.count()).select_from(Conversation)) == CONTACTS
    assert all(verdict.holds for verdict in check_campaigns(db.session(), get_channels()))


def test_pages_and_programs_are_told_so_and_go_on_afterwards(
    server: LocalPostgres, app: Flask
) -> None:
    app.config.update(PROPAGATE_EXCEPTIONS=False, WTF_CSRF_ENABLED=False)
    person = make_user(make_account())
    program, client = {"api_access_token": make_token(person)}, log_in(app.test_client(), person)
    # The next request begins with nobody known, as each does outside of a test's context.
    g.pop("_login_user", None)
    db.session.remove()

    server.stop()
    page, part = (
        client.get("/campaigns/"),
        client.get("/campaigns/", headers={"HX-Request": "true"}),
    )
    answer = client.get("/api/v1/campaigns", headers=program)
    server.start()

    assert (page.status_code, part.status_code, answer.status_code) == (503, 503, 503)
    assert "The database does not answer" in page.text
    assert "The database does not answer" in part.headers["HX-Trigger"]
    assert answer.json == {"error": "The database does not answer"}
    assert answer.headers["Retry-After"]
    assert client.get("/campaigns/").status_code == 200


def sent(campaign_id: int) -> int:
    with reading(db.session()):
        return count_states(campaign_id).sent
