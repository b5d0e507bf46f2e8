"""The first administrator: by a one-time link, or by a command."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, AuditEntry, User
from campaigns_app.accounts.service import (
    create_account,
    create_administrator,
    has_users,
    is_setup_link_open,
    make_setup_link,
)
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput, Refused
from tests.factories import make_account, make_user

ANSWERS = {
    "account_name": "Paper Company",
    "name": "Ann Example",
    "email": "Ann@Example.com",
    "password": "four unusual words",
}
NOW = utcnow()


@pytest.mark.usefixtures("app")
def test_the_link_makes_the_account_and_its_administrator(
    client: FlaskClient, session: Session
) -> None:
    answer = client.post(f"/setup/{make_setup_link(utcnow())}", data=ANSWERS)

    assert (answer.status_code, answer.location) == (303, "/")
    person = session.scalars(select(User)).one()
    assert (person.email, person.name) == ("ann@example.com", "Ann Example")
    assert person.memberships[0].is_administrator
    assert person.memberships[0].account.name == "Paper Company"


def test_whoever_used_the_link_is_logged_in(client: FlaskClient) -> None:
    client.post(f"/setup/{make_setup_link(utcnow())}", data=ANSWERS)

    assert client.post("/profile/time-zone").status_code == 204


def test_the_link_works_once(client: FlaskClient, app: Flask, session: Session) -> None:
    link = f"/setup/{make_setup_link(utcnow())}"
    client.post(link, data=ANSWERS)

    again = app.test_client().post(link, data=ANSWERS | {"email": "eve@example.com"})

    assert again.status_code == 422
    assert "This link has been used or has expired." in again.text
    assert len(session.scalars(select(User)).all()) == 1


@pytest.mark.usefixtures("app")
def test_the_link_dies_after_a_day() -> None:
    token = make_setup_link(NOW)

    assert is_setup_link_open(token, NOW + timedelta(hours=23))
    assert not is_setup_link_open(token, NOW + timedelta(hours=25))


@pytest.mark.usefixtures("app")
def test_a_new_link_ends_the_one_before() -> None:
    before = make_setup_link(NOW)
    after = make_setup_link(NOW)

    assert not is_setup_link_open(before, NOW)
    assert is_setup_link_open(after, NOW)


@pytest.mark.usefixtures("admin")
def test_no_link_is_made_where_there_is_somebody() -> None:
    with pytest.raises(Refused):
        make_setup_link(NOW)


def test_a_link_is_dead_as_soon_as_there_is_somebody(client: FlaskClient) -> None:
    token = make_setup_link(utcnow())
    make_user(make_account())

    assert client.get(f"/setup/{token}").status_code == 422
    assert client.post(f"/setup/{token}", data=ANSWERS).status_code == 422


def test_a_guessed_link_opens_nothing(client: FlaskClient) -> None:
    make_setup_link(utcnow())

    assert client.get("/setup/guess").status_code == 422


def test_a_bad_password_is_refused_at_its_field(client: FlaskClient) -> None:
    link = f"/setup/{make_setup_link(utcnow())}"

    answer = client.post(link, data=ANSWERS | {"password": "password1234"})

    assert answer.status_code == 422
    assert "This password is easy to guess." in answer.text
    assert 'aria-describedby="password-help password-errors"' in answer.text
    assert not has_users()


@pytest.mark.usefixtures("app")
def test_an_administrator_can_be_made_by_command() -> None:
    account = create_account("Paper Company")

    person = create_administrator(account, "ann@example.com", "Ann", "four unusual words")

    assert person.memberships[0].account_id == account.id
    assert has_users()


def test_an_email_belongs_to_one_person(admin: User) -> None:
    account = create_account("Another")

    with pytest.raises(InvalidInput) as refused:
        create_administrator(account, admin.email.upper(), "Eve", "four unusual words")

    assert refused.value.fields == ["email"]


@pytest.mark.usefixtures("app")
def test_everything_wrong_is_told_at_once() -> None:
    account = create_account("Paper Company")

    with pytest.raises(InvalidInput) as refused:
        create_administrator(account, "not an address", " ", "short")

    assert refused.value.fields == ["name", "email", "password"]


def test_making_an_account_is_in_the_audit_log(app: Flask, session: Session) -> None:
    account = create_account("Paper Company")

    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.account_id) == ("account.created", account.id)
    assert entry.after == {"name": session.get_one(Account, account.id).name}
