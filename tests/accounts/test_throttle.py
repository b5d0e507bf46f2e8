"""Guesses at a password are slowed, and nobody is locked out."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import LoginThrottle, User
from campaigns_app.accounts.service import LoginRefused, authenticate
from campaigns_app.accounts.throttle import device_cookie
from campaigns_app.database.types import utcnow
from tests.conftest import log_in
from tests.factories import PASSWORD

NOW = utcnow()
WRONG = "not the password"


def guess(email: str, password: str = WRONG, *, at: float = 0, device: str | None = None) -> int:
    """The seconds a guess, `at` seconds after the first, has to wait; -1 when it was right."""
    try:
        authenticate(email, password, device=device, now=NOW + timedelta(seconds=at))
    except LoginRefused as refused:
        return refused.wait_seconds
    return -1


def test_the_first_guesses_are_looked_at_at_once(admin: User) -> None:
    assert [guess(admin.email) for _ in range(5)] == [0, 0, 0, 0, 0]
    assert guess(admin.email) == 2


def test_each_further_guess_waits_twice_as_long(admin: User) -> None:
    for _ in range(5):
        guess(admin.email)

    assert [guess(admin.email, at=2), guess(admin.email, at=2)] == [0, 4]
    assert [guess(admin.email, at=6), guess(admin.email, at=6)] == [0, 8]


def test_nobody_waits_longer_than_a_quarter_of_an_hour(admin: User) -> None:
    for number in range(20):
        guess(admin.email, at=number * 900)

    assert guess(admin.email, at=19 * 900) == 900
    assert guess(admin.email, at=20 * 900, password=PASSWORD) == -1


def test_the_right_password_waits_like_any_other(admin: User) -> None:
    for _ in range(5):
        guess(admin.email)

    assert guess(admin.email, password=PASSWORD) == 2
    assert guess(admin.email, password=PASSWORD, at=2) == -1


def test_the_right_password_starts_the_count_anew(admin: User) -> None:
    for _ in range(4):
        guess(admin.email)
    guess(admin.email, password=PASSWORD)

    assert [guess(admin.email) for _ in range(5)] == [0, 0, 0, 0, 0]


def test_somebody_who_does_not_exist_is_slowed_alike(app: Flask) -> None:
    assert [guess("nobody@example.com") for _ in range(6)] == [0, 0, 0, 0, 0, 2]


def test_a_stranger_cannot_keep_out_who_has_logged_in_here_before(admin: User) -> None:
    for _ in range(6):
        guess(admin.email)

    assert guess(admin.email, password=PASSWORD, device=device_cookie(admin.email)) == -1


@pytest.mark.parametrize("device", ["forged", device_cookie.__name__, ""])
def test_a_forged_cookie_gives_no_further_guesses(admin: User, device: str) -> None:
    for _ in range(5):
        guess(admin.email)

    assert guess(admin.email, device=device) == 2


def test_a_known_browser_of_another_person_gives_no_further_guesses(admin: User) -> None:
    for _ in range(5):
        guess(admin.email)

    assert guess(admin.email, device=device_cookie("mallory@example.com")) == 2


def test_counters_are_forgotten_after_a_day(admin: User, session: Session) -> None:
    guess("one@example.com")

    guess("two@example.com", at=25 * 3600)

    assert session.scalar(select(func.count()).select_from(LoginThrottle)) == 1


def test_the_page_says_how_long_to_wait(client: FlaskClient, admin: User) -> None:
    with time_machine.travel(NOW, tick=False):
        for _ in range(9):
            answer = client.post("/login", data={"email": admin.email, "password": "wrong"})

    assert "Too many attempts. Try again in 2 seconds." in answer.text


def test_a_browser_in_which_somebody_logged_in_shows_so(client: FlaskClient, admin: User) -> None:
    log_in(client, admin)

    cookie = client.get_cookie("device")

    assert cookie is not None
    assert cookie.value == device_cookie(admin.email)
    assert cookie.http_only


def test_one_address_cannot_try_more_than_twenty_times_a_minute(client: FlaskClient) -> None:
    with time_machine.travel(NOW, tick=False):
        answers = [client.post("/login", data={}).status_code for _ in range(21)]

    assert answers == [422] * 20 + [429]
