"""The application under test: on both databases, with a real queue store.

A test that takes `app` (or anything built on it) runs once on SQLite and once on PostgreSQL.
Each worker of the test run has databases of its own, migrated once and emptied after every test.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from flask import Flask, current_app, g
from flask.testing import FlaskClient, FlaskCliRunner
from flask_migrate import upgrade
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from campaigns_app import create_app
from campaigns_app.accounts.models import Account, User
from campaigns_app.channels.registry import EXTENSION, ChannelRegistry
from campaigns_app.database.types import Base
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db, limiter
from campaigns_app.job_queue import get_redis
from campaigns_app.operations.embedded import EmbeddedRedis
from campaigns_app.operations.local_postgres import LocalPostgres, create_database
from campaigns_app.rate_budget import EXTENSION as RATE_BUDGET
from tests.factories import PASSWORD, make_account, make_user
from tests.payloads import assert_events_as_published
from tests.scripted import ScriptedChannel
from tests.statements import CountQueries, noted_statements


class Browser(FlaskClient):
    """A browser. The tests hold one application context open, whose `g` a request would find as
    the one before left it, person and all: here each request finds it empty, as in life."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        g.__dict__.clear()
        return super().open(*args, **kwargs)


Start = Callable[..., subprocess.Popen[bytes]]
WORKER = ("worker", "--queue", "campaigns", "--processes", "1")
DATABASES = ("sqlite", "postgresql")
LIMITS = "limits-of-the-test"
TEST_SETTINGS = {
    "SECRET_KEY": "a key for tests only, of no worth elsewhere",
    "COOKIE_SECURE": "false",
    "PASSWORD_MEMORY_KIB": "8",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    # Whoever sends now in a test does not wait for it.
    "UNDO_SECONDS": "0",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked for the other database: there is nothing to be tried there."""
    left_out = [item for item in items if _is_for_another(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _is_for_another(item)]


def _is_for_another(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("only_on")
    if mark is None:
        return False
    callspec = getattr(item, "callspec", None)
    return callspec is None or callspec.params.get("database_url") != mark.args[0]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis-protocol server, one for each worker of the test run."""
    server = EmbeddedRedis(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Makes an empty database on a PostgreSQL server, the one named by `TEST_DATABASE_URL` or one
    of our own, and returns its address; skips with the reason where there is no server."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield lambda: _create_database(given)
        return
    with ExitStack() as stack:
        try:
            server = stack.enter_context(LocalPostgres())
        except CannotStart as reason:
            pytest.skip(str(reason))
        yield server.create_database


def _create_database(server: str) -> str:
    name = f"campaigns_test_{uuid4().hex[:12]}"
    create_database(server, name)
    return f"{server.rpartition('/')[0]}/{name}"


@pytest.fixture(scope="session", params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty database's address."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('database') / 'test.sqlite3'}"
    make_database: Callable[[], str] = request.getfixturevalue("postgres")
    return make_database()


@pytest.fixture(scope="session")
def _application(database_url: str, redis_url: str) -> Iterator[Flask]:
    app = create_app(
        {**TEST_SETTINGS, "DATABASE_URL": database_url, "REDIS_URL": redis_url},
        TESTING=True,
        WTF_CSRF_ENABLED=False,
    )
    app.test_client_class = Browser
    app.extensions[LIMITS] = (limiter._storage, limiter._limiter)
    with app.app_context():
        upgrade()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(_application: Flask) -> Iterator[Flask]:
    """The application inside its context, with nothing in its stores. CSRF protection is off.

    After the test, every event that it wrote is held against what is published of it.
    """
    # A test that makes an application of its own leaves the one limiter there is bound to the
    # Redis of that one, which may be gone by now.
    limiter._storage, limiter._limiter = _application.extensions[LIMITS]
    with _application.app_context():
        yield _application
        db.session.remove()
        try:
            assert_events_as_published(_application)
        finally:
            _empty_stores()


@pytest.fixture
def session(app: Flask) -> Session:
    """The database session of the test."""
    return db.session()


@pytest.fixture
def count_queries(app: Flask) -> CountQueries:
    """How many statements the database gets while a function is called."""

    def count(call: Callable[[], Any]) -> int:
        db.session.expire_all()
        with noted_statements() as statements:
            call()
        return len(statements)

    return count


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody has logged in with."""
    return app.test_client()


@pytest.fixture
def account(app: Flask) -> Account:
    """An account with every feature on, and nothing in it."""
    return make_account()


@pytest.fixture
def admin(account: Account) -> User:
    """The account's administrator, whom `admin_client` is."""
    return make_user(account)


@pytest.fixture
def admin_client(client: FlaskClient, admin: User) -> FlaskClient:
    """A browser in which an administrator is logged in."""
    return log_in(client, admin)


@pytest.fixture
def csrf(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protection against forged requests, as in life: a test that takes this has it on."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """The command line."""
    return app.test_cli_runner()


@pytest.fixture
def start(app: Flask) -> Iterator[Start]:
    """Starts a command of `campaigns` as a process on the test's stores, with the settings given
    by name, and kills it in the end."""
    environ = {**os.environ, **TEST_SETTINGS}
    environ |= {name: app.config[name] for name in ("DATABASE_URL", "REDIS_URL")}
    tied = ("--parent", str(os.getpid()))

    with ExitStack() as stack:

        def start(*command: str, **settings: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", "campaigns_app", *tied, *command], env=environ | settings
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def scripted(app: Flask) -> Iterator[ScriptedChannel]:
    """A provider's channel that does what the test says, beside those that there are."""
    before = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = ChannelRegistry()
    channel = ScriptedChannel()
    for one in (*before, channel):
        app.extensions[EXTENSION].register(one)
    yield channel
    app.extensions[EXTENSION] = before


@pytest.fixture
def keys(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that secrets are kept with; a test may change them."""
    keys = [Fernet.generate_key().decode()]
    monkeypatch.setitem(app.config, "ENCRYPTION_KEYS", keys)
    return keys


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of contact files for tests."""
    return Path(__file__).parent / "data"


def _empty_stores() -> None:
    with db.engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    get_redis().flushall()
    current_app.extensions.pop(RATE_BUDGET, None)


def log_in(client: FlaskClient, user: User) -> FlaskClient:
    """Log `user` in with the factories' password, through the login page; returns `client`."""
    answer = client.post("/login", data={"email": user.email, "password": PASSWORD})
    assert answer.status_code == 303
    return client
