"""Who may use the API, and what the others are told."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AccessToken, Role
from campaigns_app.database.types import utcnow
from tests.api.conftest import Tenant
from tests.factories import PASSWORD, make_token

CAMPAIGNS = "/api/v1/campaigns"


@pytest.mark.parametrize("header", ["api_access_token", "Api-Access-Token"])
def test_chatwoots_header_lets_in(client: FlaskClient, tenant: Tenant, header: str) -> None:
    answer = client.get(CAMPAIGNS, headers={header: make_token(tenant.user)})

    assert answer.status_code == 200


def test_a_bearer_token_lets_in(client: FlaskClient, tenant: Tenant) -> None:
    token = make_token(tenant.user)

    answer = client.get(CAMPAIGNS, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}, {"api_access_token": ""}])
def test_without_a_token_one_is_asked_to_sign_in(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    answer = client.get(CAMPAIGNS, headers=headers)

    assert answer.status_code == 401
    assert answer.json == {"errors": ["You need to sign in or sign up before continuing."]}
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["x", "cmp_live_é", "cmp_live_" + "a" * 10_000])
def test_what_is_no_token_is_refused(client: FlaskClient, token: str) -> None:
    answer = client.get(CAMPAIGNS, headers={"api_access_token": token})

    assert (answer.status_code, answer.json) == (401, {"error": "Invalid Access Token"})


def test_an_expired_token_is_refused(client: FlaskClient, tenant: Tenant) -> None:
    now = utcnow()
    token = make_token(tenant.user, now - timedelta(hours=2), expires_at=now - timedelta(hours=1))

    answer = client.get(CAMPAIGNS, headers={"api_access_token": token})

    assert (answer.status_code, answer.json) == (401, {"error": "Invalid Access Token"})


def test_an_administrator_who_became_an_agent_may_do_nothing(
    session: Session, tenant: Tenant
) -> None:
    tenant.user.memberships[0].role = Role.AGENT
    session.commit()

    answer = tenant.program.get(CAMPAIGNS)

    assert answer.status_code == 401
    assert answer.json == {"error": "You are not authorized to do this action"}


def test_the_account_may_stand_in_the_path(tenant: Tenant) -> None:
    answer = tenant.program.get(f"/api/v1/accounts/{tenant.account.id}/campaigns")

    assert answer.status_code == 200


def test_another_account_in_the_path_is_not_ones_own(tenant: Tenant, stranger: Tenant) -> None:
    answer = tenant.program.get(f"/api/v1/accounts/{stranger.account.id}/campaigns")

    assert answer.status_code == 401
    assert answer.json == {"error": "You are not authorized to access this account"}


@pytest.mark.parametrize("account_id", [0, 999_999, 2**63 - 1, 2**63, 10**40])
def test_an_account_that_does_not_exist_is_not_found(tenant: Tenant, account_id: int) -> None:
    answer = tenant.program.get(f"/api/v1/accounts/{account_id}/campaigns")

    assert (answer.status_code, answer.json) == (404, {"error": "Resource could not be found"})


def test_an_account_without_the_feature_is_refused(session: Session, tenant: Tenant) -> None:
    tenant.account.features = {"campaigns": False}
    session.commit()

    answer = tenant.program.post(CAMPAIGNS, json=tenant.body())

    assert answer.status_code == 403
    assert answer.json == {"error": "Campaigns are switched off for this account"}


def test_reading_notes_when_the_token_was_used(session: Session, tenant: Tenant) -> None:
    tenant.program.get(CAMPAIGNS)

    session.rollback()
    assert session.scalars(select(AccessToken.last_used_at)).one() is not None


def test_a_login_in_the_browser_is_no_token(client: FlaskClient, tenant: Tenant) -> None:
    login = client.post("/login", data={"email": tenant.user.email, "password": PASSWORD})

    assert login.status_code == 303
    assert client.get(CAMPAIGNS).status_code == 401
