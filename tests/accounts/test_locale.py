"""Times are written in the viewer's zone."""

from datetime import UTC, datetime

import pytest
import time_machine
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask_login import login_user
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import User
from campaigns_app.accounts.service import learn_time_zone
from tests.conftest import log_in
from tests.factories import PASSWORD, make_account, make_user

AT = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
TEMPLATE = '{% import "macros/ui.html" as ui %}{{ ui.local_time(at) }}'


def shown_to(app: Flask, person: User | None) -> str:
    with app.test_request_context(), time_machine.travel(AT):
        if person is not None:
            login_user(person)
        return render_template_string(TEMPLATE, at=AT).strip().replace("\u202f", " ")


def test_a_time_is_the_viewers_own(app: Flask) -> None:
    person = make_user(make_account(), time_zone="America/New_York")

    shown = shown_to(app, person)

    assert ">Nov 23, 9:05 AM</time>" in shown
    assert 'datetime="2026-11-23T14:05:00+00:00"' in shown
    assert "Eastern Standard Time" in shown


@pytest.mark.parametrize("own", ["", "Nowhere/Land"])
def test_without_a_zone_of_their_own_it_is_the_accounts(app: Flask, own: str) -> None:
    person = make_user(make_account(time_zone=own or "Asia/Tokyo"), time_zone=own)

    assert ("11:05 PM" if own == "" else "2:05 PM") in shown_to(app, person)


def test_a_time_of_another_year_says_which(app: Flask) -> None:
    with app.test_request_context(), time_machine.travel(AT.replace(year=2027)):
        assert "Nov 23, 2026, 2:05" in render_template_string(TEMPLATE, at=AT)


def test_the_browser_tells_its_zone_at_the_login(client: FlaskClient, session: Session) -> None:
    person = make_user(make_account())
    data = {"email": person.email, "password": PASSWORD, "time_zone": "Europe/Berlin"}

    client.post("/login", data=data)

    session.refresh(person)
    assert person.time_zone == "Europe/Berlin"


def test_the_browser_tells_when_its_zone_has_changed(client: FlaskClient, session: Session) -> None:
    person = make_user(make_account(), time_zone="Europe/Berlin")
    log_in(client, person)

    client.post("/profile/time-zone", data={"time_zone": "Asia/Tokyo"})

    session.refresh(person)
    assert person.time_zone == "Asia/Tokyo"


def test_a_zone_that_does_not_exist_is_ignored(admin: User, session: Session) -> None:
    learn_time_zone(admin, "../../etc/passwd")

    session.refresh(admin)
    assert admin.time_zone == ""


def test_a_language_without_texts_falls_back_to_english(client: FlaskClient) -> None:
    page = client.get("/login", headers={"Accept-Language": "xx-YY, tlh;q=0.5"}).text

    assert '<html lang="en">' in page
    assert "Welcome back" in page
