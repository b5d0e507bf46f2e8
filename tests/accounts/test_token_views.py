"""The pages of access tokens."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AccessToken, Role, User
from campaigns_app.accounts.tokens import use_token
from campaigns_app.database.types import utcnow
from tests.conftest import log_in
from tests.factories import make_account, make_token, make_user

HTMX = {"HX-Request": "true"}


def test_without_tokens_the_page_says_what_they_are_for(admin_client: FlaskClient) -> None:
    assert "No tokens yet" in admin_client.get("/tokens").text


def test_a_new_token_is_shown_once_and_works(admin_client: FlaskClient, admin: User) -> None:
    answer = admin_client.post("/tokens", data={"name": "Shop", "days": "30"})

    found = re.search(r"cmp_live_\w{43}_\w{6}", answer.text)
    assert answer.status_code == 201
    assert found is not None
    assert use_token(found[0], utcnow()) is not None
    assert found[0] not in admin_client.get("/tokens").text


@pytest.mark.parametrize(("days", "expected"), [("30", 30), ("365", 365), ("", None)])
def test_a_token_is_good_for_as_long_as_was_chosen(
    admin_client: FlaskClient, session: Session, days: str, expected: int | None
) -> None:
    admin_client.post("/tokens", data={"name": "Shop", "days": days})

    token = session.scalars(select(AccessToken)).one()
    assert (token.expires_at and (token.expires_at - token.created_at).days) == expected


@pytest.mark.parametrize(
    "data", [{"name": "", "days": "30"}, {"name": "a\x00", "days": ""}, {"name": "a", "days": "7"}]
)
def test_a_refused_form_makes_no_token(
    admin_client: FlaskClient, session: Session, data: dict[str, str]
) -> None:
    answer = admin_client.post("/tokens", data=data)

    assert answer.status_code == 422
    assert session.scalars(select(AccessToken)).all() == []


def test_the_list_shows_hint_and_owner_but_no_token(admin_client: FlaskClient, admin: User) -> None:
    text = make_token(admin)

    page = admin_client.get("/tokens").text

    assert f"cmp_live_…{text[-4:]}" in page
    assert admin.name in page
    assert text not in page


def test_revoking_asks_first(admin_client: FlaskClient, admin: User, session: Session) -> None:
    make_token(admin)
    path = f"/tokens/{session.scalars(select(AccessToken.id)).one()}/revoke"

    page, dialog = admin_client.get(path), admin_client.get(path, headers=HTMX)

    assert "<html" in page.text
    assert dialog.text.lstrip().startswith("<dialog")


def test_a_revoked_token_is_worthless_and_gone_from_the_list(
    admin_client: FlaskClient, admin: User, session: Session
) -> None:
    text = make_token(admin)
    path = f"/tokens/{session.scalars(select(AccessToken.id)).one()}/revoke"

    answer = admin_client.post(path, headers=HTMX)

    assert answer.status_code == 204
    assert "token-revoked" in answer.headers["HX-Trigger"]
    assert use_token(text, utcnow()) is None
    assert "No tokens yet" in admin_client.get("/tokens").text


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_accounts_token_is_not_found(
    admin_client: FlaskClient, session: Session, method: str
) -> None:
    text = make_token(make_user(make_account()))
    token_id = session.scalars(select(AccessToken.id)).one()

    answer = getattr(admin_client, method)(f"/tokens/{token_id}/revoke")

    assert answer.status_code == 404
    assert use_token(text, utcnow()) is not None


def test_agents_are_not_let_in(client: FlaskClient) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    assert client.get("/tokens").status_code == 403
