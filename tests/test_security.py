"""What every answer carries, and what a forged request meets."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaigns_app.accounts.models import User
from tests.factories import PASSWORD


@pytest.mark.parametrize("path", ["/login", "/nothing-here", "/static/app.css", "/healthz"])
def test_every_answer_forbids_what_pages_do_not_need(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers

    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Request-Id"]


def test_browsers_are_held_to_https_where_cookies_are(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Strict-Transport-Security" not in client.get("/login").headers

    monkeypatch.setitem(app.config, "COOKIE_SECURE", True)

    assert "max-age=31536000" in client.get("/login").headers["Strict-Transport-Security"]


def test_pages_are_not_kept_and_differ_for_htmx(client: FlaskClient) -> None:
    headers = client.get("/login").headers

    assert headers["Cache-Control"] == "no-store"
    assert "HX-Request" in headers["Vary"]


def test_versioned_files_are_kept_for_good(client: FlaskClient) -> None:
    found = re.search(r'href="(/static/app\.css\?v=\w+)"', client.get("/login").text)
    assert found is not None

    with client.get(found[1]) as versioned, client.get("/static/app.css") as plain:
        assert "immutable" in versioned.headers["Cache-Control"]
        assert "immutable" not in plain.headers["Cache-Control"]


@pytest.mark.usefixtures("csrf")
def test_a_form_without_its_token_is_refused_in_friendly_words(
    client: FlaskClient, admin: User
) -> None:
    answer = client.post("/login", data={"email": admin.email, "password": PASSWORD})

    assert answer.status_code == 400
    assert "This page has gone stale" in answer.text


@pytest.mark.usefixtures("csrf")
def test_a_form_with_its_token_is_taken(client: FlaskClient, admin: User) -> None:
    token = _token(client.get("/login").text)

    answer = client.post(
        "/login", data={"email": admin.email, "password": PASSWORD, "csrf_token": token}
    )

    assert answer.status_code == 303


@pytest.mark.usefixtures("csrf")
def test_htmx_sends_the_token_as_a_header(client: FlaskClient, admin: User) -> None:
    token = _token(client.get("/login").text)
    client.post("/login", data={"email": admin.email, "password": PASSWORD, "csrf_token": token})
    page = client.get("/nothing-here").text
    found = re.search(r'hx-headers=\'{"X-CSRFToken": "([^"]+)"}\'', page)
    assert found is not None

    headers = {"X-CSRFToken": found[1]}

    assert client.post("/profile/time-zone", headers=headers).status_code == 204
    assert client.post("/profile/time-zone").status_code == 400


@pytest.mark.usefixtures("csrf")
def test_the_token_of_another_session_is_refused(app: Flask, client: FlaskClient) -> None:
    others = _token(app.test_client().get("/login").text)
    client.get("/login")

    answer = client.post("/login", data={"csrf_token": others})

    assert answer.status_code == 400


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)
    assert found is not None
    return found[1]
