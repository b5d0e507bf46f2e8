"""How long a login lasts."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from campaigns_app.accounts.models import User
from campaigns_app.database.types import utcnow
from tests.conftest import log_in

PAGE = "/profile/time-zone"


def is_logged_in(client: FlaskClient, **headers: str) -> bool:
    return client.post(PAGE, headers=headers).status_code == 204


def test_half_an_hour_without_a_request_ends_a_session(admin_client: FlaskClient) -> None:
    with time_machine.travel(utcnow() + timedelta(minutes=31)):
        assert not is_logged_in(admin_client)


def test_requests_keep_a_session_alive(admin_client: FlaskClient) -> None:
    for minutes in (20, 40, 60):
        with time_machine.travel(utcnow() + timedelta(minutes=minutes)):
            assert is_logged_in(admin_client)


def test_what_a_page_asks_by_itself_does_not(admin_client: FlaskClient) -> None:
    with time_machine.travel(utcnow() + timedelta(minutes=20)):
        assert is_logged_in(admin_client, **{"X-Background": "true"})

    with time_machine.travel(utcnow() + timedelta(minutes=40)):
        assert not is_logged_in(admin_client)


def test_no_session_is_older_than_half_a_day(admin_client: FlaskClient) -> None:
    for minutes in range(25, 12 * 60, 25):
        with time_machine.travel(utcnow() + timedelta(minutes=minutes)):
            assert is_logged_in(admin_client)

    with time_machine.travel(utcnow() + timedelta(hours=12, minutes=1)):
        assert not is_logged_in(admin_client)


def test_somebody_whose_session_ended_is_told_why(admin_client: FlaskClient) -> None:
    with time_machine.travel(utcnow() + timedelta(hours=1)):
        page = admin_client.get("/login").text

    assert "You were logged out because nothing happened for a while." in page


def test_a_stranger_is_sent_to_the_login_and_back(client: FlaskClient) -> None:
    answer = client.get("/webhooks?page=2")

    assert (answer.status_code, answer.location) == (303, "/login?next=/webhooks?page%3D2")


def test_a_part_of_a_page_sends_the_whole_page_to_the_login(client: FlaskClient) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/labels?page=2"}

    answer = client.post(PAGE, headers=headers)

    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/login?next=/labels?page%3D2"


def test_a_login_begins_a_new_session(client: FlaskClient, admin: User) -> None:
    client.get("/login")
    with client.session_transaction() as before:
        before["planted"] = "by somebody else"

    log_in(client, admin)

    with client.session_transaction() as after:
        assert "planted" not in after


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_is_out_of_reach(
    app: Flask, admin: User, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", secure)

    answer = app.test_client().get("/login", base_url="https://localhost")

    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) == secure
