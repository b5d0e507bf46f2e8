"""The pages of inboxes."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Role, User
from campaigns_app.channels.registry import EXTENSION, ChannelRegistry, get_channels
from campaigns_app.inboxes.models import Inbox
from campaigns_app.webhooks.models import WebhookEndpoint
from tests.conftest import log_in
from tests.factories import make_account, make_campaign, make_inbox, make_user

HOOK = "http://127.0.0.1:9/hook"
HTMX = {"HX-Request": "true"}


def test_without_inboxes_the_page_says_what_to_do(admin_client: FlaskClient) -> None:
    page = admin_client.get("/inboxes")

    assert "No inboxes yet" in page.text
    assert 'href="/inboxes/new"' in page.text


def test_the_list_shows_name_channel_and_webhook(admin_client: FlaskClient) -> None:
    admin_client.post("/inboxes/new/api", data={"name": "Shop", "webhook_url": HOOK})

    page = admin_client.get("/inboxes")

    assert all(text in page.text for text in ("Shop", "API", HOOK, "Enabled"))


def test_every_channel_can_be_chosen(admin_client: FlaskClient) -> None:
    page = admin_client.get("/inboxes/new")

    slugs = [channel.slug for channel in get_channels()]
    assert slugs == ["api", "whatsapp", "twilio-sms", "sms", "telegram", "simulator"]
    assert all(f'href="/inboxes/new/{slug}"' in page.text for slug in slugs)


def test_with_one_channel_there_is_nothing_to_choose(
    admin_client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = ChannelRegistry()
    alone.register(get_channels().get("API"))
    monkeypatch.setitem(app.extensions, EXTENSION, alone)

    answer = admin_client.get("/inboxes/new")

    assert (answer.status_code, answer.location) == (303, "/inboxes/new/api")


def test_the_form_has_a_field_for_each_setting_of_the_channel(admin_client: FlaskClient) -> None:
    page = admin_client.get("/inboxes/new/api")

    assert 'name="name"' in page.text
    assert 'name="webhook_url"' in page.text
    assert 'type="url"' in page.text


def test_a_channel_that_is_not_registered_has_no_form(admin_client: FlaskClient) -> None:
    assert admin_client.get("/inboxes/new/pigeon").status_code == 404
    assert admin_client.post("/inboxes/new/pigeon", data={"name": "x"}).status_code == 404


def test_an_inbox_without_webhook_leads_back_to_the_list(admin_client: FlaskClient) -> None:
    answer = admin_client.post("/inboxes/new/api", data={"name": "Shop"}, follow_redirects=True)

    assert answer.request.path == "/inboxes"
    assert "Inbox created" in answer.text


def test_the_signing_secret_is_shown_once(admin_client: FlaskClient, session: Session) -> None:
    data = {"name": "Shop", "webhook_url": HOOK}

    created = admin_client.post("/inboxes/new/api", data=data)

    secret = session.scalars(select(WebhookEndpoint.secret)).one()
    inbox_id = session.scalars(select(Inbox.id)).one()
    assert created.status_code == 201
    assert secret in created.text
    for path in ("/inboxes", f"/inboxes/{inbox_id}"):
        assert secret not in admin_client.get(path).text
    assert secret not in admin_client.post(f"/inboxes/{inbox_id}", data=data).text


def test_a_webhook_url_given_later_shows_its_secret_then(
    admin_client: FlaskClient, admin: User
) -> None:
    inbox = make_inbox(admin.memberships[0].account)

    answer = admin_client.post(f"/inboxes/{inbox.id}", data={"name": "Shop", "webhook_url": HOOK})

    assert answer.status_code == 201
    assert "whsec_" in answer.text


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"name": ""}, "Name is required"),
        ({"name": "Shop", "webhook_url": "no address"}, "Webhook url is invalid"),
        ({"name": "Shop", "webhook_url": "http://10.0.0.1/"}, "private network"),
    ],
)
def test_a_refused_form_keeps_what_was_typed(
    admin_client: FlaskClient, data: dict[str, str], error: str
) -> None:
    answer = admin_client.post("/inboxes/new/api", data=data)

    assert answer.status_code == 422
    assert error in answer.text
    assert all(f'value="{value}"' in answer.text for value in data.values())


def test_an_inbox_can_be_renamed(admin_client: FlaskClient, admin: User, session: Session) -> None:
    inbox = make_inbox(admin.memberships[0].account)

    answer = admin_client.post(f"/inboxes/{inbox.id}", data={"name": "Renamed"})

    assert answer.status_code == 303
    session.refresh(inbox)
    assert inbox.name == "Renamed"


def test_an_inbox_is_switched_off_and_on(admin_client: FlaskClient, admin: User) -> None:
    inbox = make_inbox(admin.memberships[0].account)

    admin_client.post(f"/inboxes/{inbox.id}/disable")
    assert f'action="/inboxes/{inbox.id}/enable"' in admin_client.get(f"/inboxes/{inbox.id}").text

    admin_client.post(f"/inboxes/{inbox.id}/enable")
    assert f'action="/inboxes/{inbox.id}/disable"' in admin_client.get(f"/inboxes/{inbox.id}").text


def test_deleting_asks_first(admin_client: FlaskClient, admin: User) -> None:
    inbox = make_inbox(admin.memberships[0].account)
    path = f"/inboxes/{inbox.id}/delete"

    page, dialog = admin_client.get(path), admin_client.get(path, headers=HTMX)

    assert "<html" in page.text
    assert dialog.text.lstrip().startswith("<dialog")


def test_a_deleted_inbox_is_gone_from_the_list(
    admin_client: FlaskClient, admin: User, session: Session
) -> None:
    inbox = make_inbox(admin.memberships[0].account)

    answer = admin_client.post(f"/inboxes/{inbox.id}/delete", headers=HTMX)

    assert answer.status_code == 204
    assert "inbox-deleted" in answer.headers["HX-Trigger"]
    assert session.scalars(select(Inbox)).all() == []


def test_why_an_inbox_cannot_be_deleted_is_said(admin_client: FlaskClient, admin: User) -> None:
    campaign = make_campaign(admin.memberships[0].account)

    answer = admin_client.post(f"/inboxes/{campaign.inbox_id}/delete")

    assert answer.status_code == 422
    assert "cannot be deleted" in answer.text


@pytest.mark.parametrize("path", ["", "/enable", "/disable", "/delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_accounts_inbox_is_not_found(
    admin_client: FlaskClient, path: str, method: str
) -> None:
    theirs = make_inbox(make_account())

    answer = getattr(admin_client, method)(f"/inboxes/{theirs.id}{path}", data={"name": "x"})

    assert answer.status_code in ({404, 405} if method == "get" else {404})


def test_agents_are_not_let_in(client: FlaskClient) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    assert client.get("/inboxes").status_code == 403
