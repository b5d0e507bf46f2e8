"""Logging in and out, through the pages."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AuditEntry, User
from campaigns_app.accounts.sessions import is_safe_next
from tests.conftest import log_in
from tests.factories import PASSWORD, join_account, make_account, make_user

WRONG = "E-mail or password is wrong."


def test_the_right_password_leads_to_the_start_page(client: FlaskClient, admin: User) -> None:
    answer = client.post("/login", data={"email": admin.email, "password": PASSWORD})

    assert (answer.status_code, answer.location) == (303, "/")


def test_an_email_is_known_in_any_spelling(client: FlaskClient, admin: User) -> None:
    spelled = f"  {admin.email.upper()} "

    answer = client.post("/login", data={"email": spelled, "password": PASSWORD})

    assert answer.status_code == 303


def test_a_wrong_password_and_an_unknown_email_are_told_apart_by_nothing(
    client: FlaskClient, admin: User
) -> None:
    wrong = client.post("/login", data={"email": admin.email, "password": "not the password"})
    unknown = client.post("/login", data={"email": admin.email[1:], "password": "not the password"})

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert WRONG in wrong.text
    assert _without_typing(wrong.text) == _without_typing(unknown.text)


def test_what_was_typed_is_kept_but_not_the_password(client: FlaskClient, app: Flask) -> None:
    answer = client.post("/login", data={"email": "ann@example.com", "password": "my secret words"})

    assert 'value="ann@example.com"' in answer.text
    assert "my secret words" not in answer.text


def test_empty_fields_say_what_they_want(client: FlaskClient) -> None:
    answer = client.post("/login", data={})

    assert answer.status_code == 422
    assert "E-mail is required" in answer.text
    assert 'aria-describedby="password-errors"' in answer.text


def test_a_login_leads_to_the_page_that_was_wanted(client: FlaskClient, admin: User) -> None:
    data = {"email": admin.email, "password": PASSWORD}

    answer = client.post("/login?next=/labels?page=2", data=data)

    assert answer.location == "/labels?page=2"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "campaigns",
        "",
    ],
)
def test_a_login_never_leads_elsewhere(elsewhere: str) -> None:
    assert not is_safe_next(elsewhere)


def test_a_forged_next_leads_to_the_start_page(client: FlaskClient, admin: User) -> None:
    data = {"email": admin.email, "password": PASSWORD}

    answer = client.post("/login?next=//evil.example", data=data)

    assert answer.location == "/"


def test_somebody_logged_in_is_sent_on(admin_client: FlaskClient) -> None:
    answer = admin_client.get("/login?next=/labels")

    assert (answer.status_code, answer.location) == (303, "/labels")


def test_logging_out_ends_the_session(admin_client: FlaskClient) -> None:
    answer = admin_client.post("/logout")

    assert answer.location == "/login"
    assert admin_client.post("/profile/time-zone").location.startswith("/login")


def test_a_copied_session_is_worth_nothing_after_logging_out(
    app: Flask, admin_client: FlaskClient
) -> None:
    copied = admin_client.get_cookie("session")
    assert copied is not None
    thief = app.test_client()
    thief.set_cookie("session", copied.value)
    assert thief.post("/profile/time-zone").status_code == 204

    admin_client.post("/logout")

    assert thief.post("/profile/time-zone").location.startswith("/login")


def test_logging_out_by_a_link_is_impossible(admin_client: FlaskClient) -> None:
    assert admin_client.get("/logout").status_code == 405


def test_logins_are_in_the_audit_log(client: FlaskClient, admin: User, session: Session) -> None:
    client.post("/login", data={"email": admin.email, "password": "not the password"})
    log_in(client, admin)
    client.post("/logout")

    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == [
        "session.refused",
        "session.started",
        "session.ended",
    ]
    assert {entry.user_id for entry in entries} == {admin.id}
    assert {entry.remote_address for entry in entries} == {"127.0.0.1"}


def test_a_person_of_two_accounts_can_switch(client: FlaskClient) -> None:
    here, there = make_account(name="Here"), make_account(name="There")
    person = make_user(here)
    join_account(person, there)
    log_in(client, person)

    client.post("/profile/account", data={"account_id": there.id})

    assert "<span>There</span>" in client.get("/nothing-here").text


def test_nobody_can_switch_to_an_account_of_others(admin_client: FlaskClient) -> None:
    others = make_account()

    answer = admin_client.post("/profile/account", data={"account_id": others.id})

    assert answer.status_code == 403


def _without_typing(page: str) -> str:
    """The page without what was typed, and without the token of its forms, which has a clock."""
    return re.sub(r'value="[^"]*"|"X-CSRFToken": "[^"]*"', "", page)
