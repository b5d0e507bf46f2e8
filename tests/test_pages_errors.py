"""What a person sees when something cannot be done."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from campaigns_app import create_app
from campaigns_app.extensions import db
from tests.conftest import TEST_SETTINGS


@pytest.fixture
def broken(database_url: str, redis_url: str) -> Iterator[Flask]:
    """An application with a view that fails in a way nobody foresaw."""
    settings = {**TEST_SETTINGS, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    app = create_app(settings, PROPAGATE_EXCEPTIONS=False)

    @app.get("/broken")
    def fail() -> str:
        raise LookupError("a secret of the server")

    yield app
    with app.app_context():
        db.engine.dispose()


def test_a_path_that_does_not_exist_is_told_kindly(client: FlaskClient) -> None:
    answer = client.get("/nothing-here")

    assert answer.status_code == 404
    assert "<h1>There is nothing here</h1>" in answer.text


def test_somebody_logged_in_keeps_the_frame(admin_client: FlaskClient) -> None:
    page = admin_client.get("/nothing-here").text

    assert 'class="sidebar"' in page


def test_a_stranger_gets_no_frame(client: FlaskClient) -> None:
    assert 'class="sidebar"' not in client.get("/nothing-here").text


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/login")

    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.allow)


def test_too_large_a_file_is_refused_with_the_limit(client: FlaskClient) -> None:
    answer = client.post("/login", data={"email": b"x" * (20 * 1024 * 1024)})

    assert answer.status_code == 413
    assert "Files of up to 20 MB can be uploaded." in answer.text


def test_a_part_of_a_page_gets_a_toast_and_is_left_alone(client: FlaskClient) -> None:
    answer = client.get("/nothing-here", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.text) == (404, "")
    assert answer.headers["HX-Reswap"] == "none"
    assert '"toast": {"message": "There is nothing here. It may' in answer.headers["HX-Trigger"]


def test_a_failure_of_ours_shows_a_number_and_nothing_else(
    broken: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = broken.test_client().get("/broken")

    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.text
    assert "a secret of the server" not in answer.text
    assert f"Request {answer.headers['X-Request-Id']} failed" in caplog.text


def test_a_part_of_a_page_that_fails_shows_the_number_but_not_at_every_turn(broken: Flask) -> None:
    part = {"HX-Request": "true"}
    asked = broken.test_client().get("/broken", headers=part)
    by_itself = broken.test_client().get("/broken", headers={**part, "X-Background": "true"})

    assert asked.headers["X-Request-Id"] in asked.headers["HX-Trigger"]
    assert by_itself.headers["X-Request-Id"] not in by_itself.headers["HX-Trigger"]


def test_a_mistake_in_a_statement_is_not_taken_for_a_database_that_is_away(broken: Flask) -> None:
    @broken.get("/mistaken")
    def ask() -> str:
        db.session.execute(text("SELECT nothing FROM nowhere"))
        return ""

    assert broken.test_client().get("/mistaken").status_code == 500


def test_programs_are_answered_in_their_own_way(client: FlaskClient) -> None:
    answer = client.get("/api/v1/nothing-here")

    assert answer.is_json
