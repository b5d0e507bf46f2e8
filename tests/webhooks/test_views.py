"""The pages of webhook endpoints."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from campaigns_app.accounts.models import Account, Role
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.models import WebhookEndpoint
from tests.factories import PASSWORD, make_account, make_endpoint, make_inbox, make_user
from tests.receiver import Receiver
from tests.webhooks.scenes import tell_once

URL = "http://127.0.0.1:9000/hook"
FORM = {"url": URL, "name": "Shop", "subscriptions": ["message_created"]}


@pytest.fixture
def browser(client: FlaskClient, account: Account) -> FlaskClient:
    """A browser with which an administrator has logged in."""
    user = make_user(account)
    client.post("/login", data={"email": user.email, "password": PASSWORD})
    return client


def test_an_account_without_endpoints_is_shown_the_way_to_one(browser: FlaskClient) -> None:
    page = browser.get("/webhooks")

    assert page.status_code == 200
    assert "No webhooks yet" in page.text
    assert 'href="/webhooks/new"' in page.text


def test_the_secret_of_a_new_endpoint_is_shown_once(browser: FlaskClient, session: Session) -> None:
    page = browser.post("/webhooks", data=FORM)

    endpoint = session.scalars(select(WebhookEndpoint)).one()
    assert page.status_code == 201
    assert endpoint.secret in page.text
    assert endpoint.subscriptions == ["message_created"]
    for path in ("", f"/{endpoint.id}", f"/{endpoint.id}/edit"):
        assert endpoint.secret not in browser.get(f"/webhooks{path}").text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": ""}, "Please enter a valid URL"),
        ({"url": "ftp://shop.example"}, "Url is invalid"),
        ({"url": "http://10.0.0.1/"}, "Url leads into a private network"),
        ({"subscriptions": []}, "Choose at least one event"),
        ({"subscriptions": ["nonsense"]}, "Subscriptions Invalid events"),
    ],
)
def test_what_is_refused_stays_in_the_form_with_its_reason(
    browser: FlaskClient, change: dict[str, object], message: str
) -> None:
    page = browser.post("/webhooks", data=FORM | change)

    assert page.status_code == 422
    assert message in page.text
    assert 'value="Shop"' in page.text


def test_an_endpoint_can_be_changed(browser: FlaskClient, account: Account) -> None:
    endpoint = make_endpoint(account, name="Old", subscriptions=["message_created"])
    form = browser.get(f"/webhooks/{endpoint.id}/edit")
    assert 'value="Old"' in form.text

    answer = browser.post(f"/webhooks/{endpoint.id}", data=FORM)

    assert (answer.status_code, answer.location) == (303, f"/webhooks/{endpoint.id}")
    page = browser.get(answer.location)
    assert "Webhook updated successfully" in page.text
    assert URL in page.text


def test_a_refused_change_is_shown_in_the_form(browser: FlaskClient, account: Account) -> None:
    endpoint = make_endpoint(account)

    page = browser.post(f"/webhooks/{endpoint.id}", data=FORM | {"url": "nonsense"})

    assert page.status_code == 422
    assert "Url is invalid" in page.text


def test_an_endpoint_can_be_disabled_and_enabled(browser: FlaskClient, account: Account) -> None:
    endpoint = make_endpoint(account)

    browser.post(f"/webhooks/{endpoint.id}/disable")
    assert "Switched off by an administrator" in browser.get("/webhooks").text

    answer = browser.post(f"/webhooks/{endpoint.id}/enable")
    assert answer.status_code == 303
    assert "Switched off" not in browser.get("/webhooks").text


def test_deleting_asks_first(browser: FlaskClient, account: Account, session: Session) -> None:
    path = f"/webhooks/{make_endpoint(account).id}/delete"
    assert "cannot be undone" in browser.get(path).text
    assert len(session.scalars(select(WebhookEndpoint)).all()) == 1

    answer = browser.post(path, headers={"HX-Request": "true"})

    assert answer.headers["HX-Redirect"] == "/webhooks"
    assert session.scalars(select(WebhookEndpoint)).all() == []


def test_an_inboxs_own_endpoint_has_no_form_of_its_own(
    browser: FlaskClient, account: Account
) -> None:
    endpoint = make_endpoint(account, inbox_id=make_inbox(account).id)

    page = browser.get(f"/webhooks/{endpoint.id}").text

    assert "Everything in its inbox" in page
    assert "/edit" not in page
    assert browser.get(f"/webhooks/{endpoint.id}/edit").status_code == 422


@pytest.mark.parametrize("path", ["", "/edit", "/delete", "/rotate"])
def test_another_accounts_endpoint_is_not_found(browser: FlaskClient, path: str) -> None:
    foreign = make_endpoint(make_account())

    assert browser.get(f"/webhooks/{foreign.id}{path}").status_code == 404


@pytest.mark.parametrize("deed", ["", "/enable", "/disable", "/delete", "/rotate"])
def test_another_accounts_endpoint_cannot_be_touched(
    browser: FlaskClient, session: Session, deed: str
) -> None:
    foreign = make_endpoint(make_account())

    assert browser.post(f"/webhooks/{foreign.id}{deed}", data=FORM).status_code == 404
    session.refresh(foreign)
    assert (foreign.enabled, foreign.name) == (True, "")


def test_agents_and_strangers_stay_outside(client: FlaskClient, account: Account) -> None:
    assert client.get("/webhooks").status_code in {302, 303}
    agent = make_user(account, role=Role.AGENT)
    client.post("/login", data={"email": agent.email, "password": PASSWORD})

    assert client.get("/webhooks").status_code == 403


def test_headers_are_written_and_never_shown_again(
    browser: FlaskClient, session: Session, receiver: Receiver
) -> None:
    form = FORM | {
        "url": receiver.url("/hook"),
        "headers": "Authorization: Bearer a:b\r\n\r\nX-Key: k1",
    }
    browser.post("/webhooks", data=form)
    endpoint = session.scalars(select(WebhookEndpoint)).one()
    assert endpoint.headers == {"Authorization": "Bearer a:b", "X-Key": "k1"}

    page = browser.get(f"/webhooks/{endpoint.id}/edit").text
    assert "Authorization: ••••••••\nX-Key: ••••••••" in page
    assert "Bearer a:b" not in page + browser.get(f"/webhooks/{endpoint.id}").text

    browser.post(f"/webhooks/{endpoint.id}", data=form | {"headers": "Authorization: ••••••••"})
    session.refresh(endpoint)
    assert endpoint.headers == {"Authorization": "Bearer a:b"}

    tell_once(session, endpoint)
    deliver_webhooks()
    assert receiver.requests[0].headers["Authorization"] == "Bearer a:b"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ("Host: inside", "Headers may not set Host"),
        ("no colon", "Write each header as Name: value"),
        ("X-A: 1\nx-a: 2", "A header is there twice"),
        ("X-A:", "Headers have a value for X-A that is blank"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(
    browser: FlaskClient, headers: str, message: str
) -> None:
    page = browser.post("/webhooks", data=FORM | {"headers": headers})

    assert page.status_code == 422
    assert message in page.text


def test_a_secret_is_replaced_after_a_question_and_shown_once(
    browser: FlaskClient, account: Account, session: Session
) -> None:
    endpoint = make_endpoint(account)
    old = endpoint.secret
    assert "For 24 hours" in browser.get(f"/webhooks/{endpoint.id}/rotate").text

    page = browser.post(f"/webhooks/{endpoint.id}/rotate")

    session.refresh(endpoint)
    assert endpoint.secret in page.text
    assert old not in page.text
    assert endpoint.previous_secret == old
    shown = browser.get(f"/webhooks/{endpoint.id}").text
    assert "signs, too, until" in shown
    assert endpoint.secret not in shown

    browser.post(f"/webhooks/{endpoint.id}/rotate", data={"leaked": "y"})
    session.refresh(endpoint)
    assert endpoint.previous_secret is None


def test_requests_are_signed_with_both_secrets_while_one_is_replaced(
    browser: FlaskClient, account: Account, session: Session, receiver: Receiver
) -> None:
    endpoint = make_endpoint(account, url=receiver.url("/hook"))
    old = endpoint.secret
    browser.post(f"/webhooks/{endpoint.id}/rotate")
    session.refresh(endpoint)
    tell_once(session, endpoint)

    deliver_webhooks()

    [request] = receiver.requests
    newest, oldest = request.headers["webhook-signature"].split(" ")
    for secret, signature in ((endpoint.secret, newest), (old, oldest)):
        alone = {**request.headers, "webhook-signature": signature}
        Webhook(secret).verify(request.body, alone)
