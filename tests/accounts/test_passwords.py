"""Which passwords are taken, and how they are kept."""

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import User
from campaigns_app.accounts.passwords import hash_password, password_fault, verify_password
from campaigns_app.accounts.service import authenticate
from campaigns_app.database.types import utcnow
from tests.factories import PASSWORD

pytestmark = pytest.mark.usefixtures("app")


def test_only_the_password_itself_is_right() -> None:
    kept = hash_password("four unusual words here")

    assert kept.startswith("$argon2id$")
    assert verify_password(kept, "four unusual words here")
    assert not verify_password(kept, "four unusual words there")


def test_no_password_is_right_for_nobody() -> None:
    assert not verify_password(None, "nobody's password")


@pytest.mark.parametrize(
    "password",
    [
        "eleven char",
        "x" * 129,
        "password1234",
        "PassWord12345",
        "aaaaaaaaaaaaaaa",
        "abababababab",
        "qwertyuiopasdfghjkl",
        "campaigns2026",
        "ann@example.com",
        "Ann Example 12",
        "annexample123",
    ],
)
def test_a_guessable_password_is_refused(password: str) -> None:
    assert password_fault(password, email="ann@example.com", name="Ann Example")


@pytest.mark.parametrize(
    "password",
    ["four unusual words", "密码密码不常见的词语组合起来", "xK3#vQ9!pL2z", "z" * 124 + "abcd"],
)
def test_length_is_all_that_is_asked_otherwise(password: str) -> None:
    assert password_fault(password, email="ann@example.com", name="Ann Example") is None


def test_a_login_renews_a_hash_made_with_other_settings(
    app: Flask, admin: User, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PASSWORD_MEMORY_KIB", 16)

    authenticate(admin.email, PASSWORD, device=None, now=utcnow())

    session.refresh(admin)
    assert "m=16," in admin.password_hash
    assert verify_password(admin.password_hash, PASSWORD)
