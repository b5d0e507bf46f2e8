"""Who may enter which section."""

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import CAMPAIGNS_FEATURE, Role
from tests.conftest import log_in
from tests.factories import make_account, make_user

START = "/"


def test_an_administrator_enters(admin_client: FlaskClient) -> None:
    assert admin_client.get(START, follow_redirects=True).status_code == 200


def test_an_agent_is_kept_out(client: FlaskClient) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    answer = client.get(START, follow_redirects=True)

    assert answer.status_code == 403
    assert "Only administrators of the account may do this." in answer.text


def test_who_is_kept_out_is_not_led_round_in_a_circle(client: FlaskClient) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    assert 'href="/"' not in client.get("/campaigns/").text
    assert 'href="/"' in client.get("/nothing-here").text


def test_an_agent_sees_no_sections(client: FlaskClient) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    assert 'class="nav-link"' not in client.get("/nothing-here").text


def test_the_section_of_the_page_is_marked(admin_client: FlaskClient) -> None:
    page = admin_client.get("/webhooks").text

    assert 'href="/webhooks" aria-current="page"' in page


def test_an_account_without_campaigns_neither_sees_nor_enters_them(client: FlaskClient) -> None:
    log_in(client, make_user(make_account(features={CAMPAIGNS_FEATURE: False})))

    answer = client.get(START, follow_redirects=True)

    assert answer.status_code == 403
    assert "This section is switched off for your account." in answer.text
    assert 'href="/campaigns' not in answer.text


def test_somebody_who_left_the_account_is_kept_out(client: FlaskClient, session: Session) -> None:
    person = make_user(make_account())
    log_in(client, person)
    person.memberships.clear()
    session.commit()

    assert client.get(START, follow_redirects=True).status_code == 403
