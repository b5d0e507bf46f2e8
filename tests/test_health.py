"""Whether the process lives, and whether it can work."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaigns_app import create_app
from campaigns_app.extensions import db
from tests.conftest import TEST_SETTINGS
from tests.factories import PASSWORD, make_account, make_user

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def without_redis(app: Flask) -> Iterator[Flask]:
    """The same application on the same database, with a Redis that does not answer."""
    settings = {**TEST_SETTINGS, "DATABASE_URL": app.config["DATABASE_URL"], "REDIS_URL": NOWHERE}
    degraded = create_app(settings, WTF_CSRF_ENABLED=False)
    yield degraded
    with degraded.app_context():
        db.engine.dispose()


def test_a_process_that_answers_lives(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_with_its_stores_it_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "database": True, "redis": True}


def test_without_redis_it_says_so_and_goes_on(without_redis: Flask) -> None:
    answer = without_redis.test_client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {"status": "degraded", "database": True, "redis": False}


def test_without_the_database_it_is_not_ready(redis_url: str) -> None:
    settings = {**TEST_SETTINGS, "REDIS_URL": redis_url}
    app = create_app({**settings, "DATABASE_URL": "sqlite:////nonexistent/folder/file.sqlite3"})

    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503


def test_people_log_in_while_redis_is_down(without_redis: Flask) -> None:
    person = {"email": make_user(make_account()).email, "password": PASSWORD}
    db.session.remove()

    answer = without_redis.test_client().post("/login", data=person)

    assert answer.status_code == 303
