"""Inboxes that send through a provider: their secrets, their account, their halt."""

import re

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AuditEntry
from campaigns_app.channels.provider import AccountPause
from campaigns_app.inboxes.callbacks import find_called_inbox
from campaigns_app.inboxes.cli import rotate_secrets_command
from campaigns_app.inboxes.halting import halt_inbox
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.secrets import SecretsLocked, unlock_secrets
from tests.scripted import ScriptedChannel

FORM = {"name": "Phones", "account_sid": "AC1"}
SECRET = "a very secret token 9876"
HTMX = {"HX-Request": "true"}
RELAY = "http://127.0.0.1:9999"


@pytest.fixture
def inbox(
    admin_client: FlaskClient, session: Session, scripted: ScriptedChannel, keys: list[str]
) -> Inbox:
    """An inbox that was made on its page."""
    admin_client.post("/inboxes/new/scripted", data=FORM | {"auth_token": SECRET})
    return session.scalars(select(Inbox)).one()


def secrets_of(inbox: Inbox, session: Session) -> dict[str, str]:
    session.expire_all()
    return unlock_secrets(inbox.channel.secrets)


def test_the_form_is_made_from_what_the_channel_declares(
    admin_client: FlaskClient, scripted: ScriptedChannel, keys: list[str]
) -> None:
    page = admin_client.get("/inboxes/new/scripted").text

    assert re.search(r'<input[^>]*name="auth_token"[^>]*type="password"', page)
    assert re.search(r'<select[^>]*name="medium"', page)
    assert re.search(r'<input[^>]*name="validity"[^>]*type="number"', page)
    assert "10,000, as usual" in page
    assert "As in the console" in page
    assert "base_url" not in page


def test_secrets_are_kept_encrypted_and_shown_masked(
    admin_client: FlaskClient, inbox: Inbox
) -> None:
    page = admin_client.get(f"/inboxes/{inbox.id}").text

    assert SECRET not in page
    assert "••••9876" in page
    assert SECRET not in (inbox.channel.secrets or "")
    assert "auth_token" not in inbox.channel.settings


def test_a_short_secret_is_not_hinted_at(
    admin_client: FlaskClient, session: Session, inbox: Inbox
) -> None:
    admin_client.post(f"/inboxes/{inbox.id}", data=FORM | {"auth_token": "short"})

    page = admin_client.get(f"/inboxes/{inbox.id}").text
    assert "•••• is set" in page
    assert "hort" not in page


def test_a_secret_left_blank_stays(
    admin_client: FlaskClient, session: Session, inbox: Inbox
) -> None:
    answer = admin_client.post(f"/inboxes/{inbox.id}", data=FORM | {"auth_token": ""})

    assert answer.status_code == 303
    assert secrets_of(inbox, session) == {"auth_token": SECRET}


def test_a_secret_is_exchanged_for_another(
    admin_client: FlaskClient, session: Session, inbox: Inbox
) -> None:
    admin_client.post(
        f"/inboxes/{inbox.id}", data=FORM | {"forget_auth_token": "y", "api_key": "key"}
    )

    assert secrets_of(inbox, session) == {"api_key": "key"}


def test_what_the_channel_says_of_settings_together_stands_at_the_field(
    admin_client: FlaskClient, session: Session, inbox: Inbox
) -> None:
    answer = admin_client.post(f"/inboxes/{inbox.id}", data=FORM | {"api_key": "key"})

    assert answer.status_code == 422
    assert "Exactly one of auth token and API key" in answer.text
    assert secrets_of(inbox, session) == {"auth_token": SECRET}


def test_no_secret_is_in_the_audit_log(
    admin_client: FlaskClient, session: Session, inbox: Inbox
) -> None:
    admin_client.post(f"/inboxes/{inbox.id}", data=FORM | {"auth_token": "another secret"})

    entry = session.scalars(select(AuditEntry).filter_by(action="inbox.updated")).one()
    assert (entry.after or {})["changed_secrets"] == ["auth_token"]
    assert "another secret" not in str((entry.before, entry.after))


def test_without_a_key_the_page_says_what_to_do(
    admin_client: FlaskClient, session: Session, scripted: ScriptedChannel
) -> None:
    page = admin_client.get("/inboxes/new/scripted")
    answer = admin_client.post("/inboxes/new/scripted", data=FORM | {"auth_token": SECRET})

    assert "set ENCRYPTION_KEYS" in page.text
    assert (answer.status_code, "set ENCRYPTION_KEYS" in answer.text) == (422, True)
    assert session.scalars(select(Inbox)).all() == []


def test_with_another_key_the_page_opens_and_takes_the_secrets_again(
    admin_client: FlaskClient, session: Session, inbox: Inbox, keys: list[str]
) -> None:
    keys[:] = [Fernet.generate_key().decode()]

    page = admin_client.get(f"/inboxes/{inbox.id}")
    renamed = admin_client.post(f"/inboxes/{inbox.id}", data=FORM | {"name": "Renamed"})
    with pytest.raises(SecretsLocked):
        secrets_of(inbox, session)
    admin_client.post(f"/inboxes/{inbox.id}", data=FORM | {"auth_token": "entered again"})

    assert "not in ENCRYPTION_KEYS" in page.text
    assert renamed.status_code == 303
    assert secrets_of(inbox, session) == {"auth_token": "entered again"}


def test_secrets_are_encrypted_again_with_the_newest_key(
    runner: FlaskCliRunner, session: Session, inbox: Inbox, keys: list[str]
) -> None:
    newest = Fernet.generate_key().decode()
    keys.insert(0, newest)

    result = runner.invoke(rotate_secrets_command)
    keys[:] = [newest]

    assert result.exit_code == 0, result.output
    assert secrets_of(inbox, session) == {"auth_token": SECRET}


def test_what_no_key_fits_is_named_and_left_alone(
    runner: FlaskCliRunner, session: Session, inbox: Inbox, keys: list[str]
) -> None:
    before, keys[:] = list(keys), [Fernet.generate_key().decode()]

    result = runner.invoke(rotate_secrets_command)
    keys[:] = before

    assert (result.exit_code, "Phones" in result.output) == (1, True)
    assert secrets_of(inbox, session) == {"auth_token": SECRET}


def test_the_callback_address_can_be_copied(admin_client: FlaskClient, inbox: Inbox) -> None:
    page = admin_client.get(f"/inboxes/{inbox.id}").text

    assert len(inbox.callback_token or "") >= 32
    assert f"/callbacks/scripted/{inbox.callback_token}" in page


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Acme, active", "accepts this account: Acme, active"),
        (AccountPause("bad credentials", "20003"), "cannot be used: bad credentials (20003)"),
        (RuntimeError("a bug"), "cannot be used: the channel failed"),
    ],
)
def test_the_provider_is_asked_whether_the_account_works(
    admin_client: FlaskClient,
    inbox: Inbox,
    scripted: ScriptedChannel,
    headers: dict[str, str],
    answer: Exception | str,
    said: str,
) -> None:
    scripted.answer = answer

    page = admin_client.post(f"/inboxes/{inbox.id}/check", headers=headers)

    assert (page.status_code, said in page.text) == (200, True)
    assert scripted.accounts[0].secrets == {"auth_token": SECRET}


def test_a_check_without_its_key_says_so(
    admin_client: FlaskClient, inbox: Inbox, keys: list[str]
) -> None:
    keys.clear()

    page = admin_client.post(f"/inboxes/{inbox.id}/check", headers=HTMX)

    assert (page.status_code, "set ENCRYPTION_KEYS" in page.text) == (200, True)


def test_an_address_that_the_operator_allows_can_be_chosen(
    app: Flask, admin_client: FlaskClient, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, wanted = f"/inboxes/{inbox.id}", FORM | {"base_url": RELAY}
    admin_client.post(path, data=wanted)
    refused = "base_url" in inbox.channel.settings
    monkeypatch.setitem(app.config, "PROVIDER_BASE_URLS", (RELAY,))

    other = admin_client.post(path, data=FORM | {"base_url": "http://evil.example"})
    chosen = admin_client.post(path, data=wanted)

    assert (refused, other.status_code, chosen.status_code) == (False, 422, 303)
    assert f'<option selected value="{RELAY}">' in admin_client.get(path).text


@pytest.fixture
def withdrawn(session: Session, inbox: Inbox) -> Inbox:
    """The inbox, with an address that was allowed when it was chosen."""
    inbox.channel.settings = {**inbox.channel.settings, "base_url": RELAY}
    session.commit()
    return inbox


def test_an_inbox_whose_address_is_not_allowed_any_more_asks_nobody_and_says_so(
    admin_client: FlaskClient, withdrawn: Inbox, scripted: ScriptedChannel
) -> None:
    path = f"/inboxes/{withdrawn.id}"

    pages = [admin_client.get(path), admin_client.post(f"{path}/check", headers=HTMX)]

    assert all(f"{RELAY}, which is not in PROVIDER_BASE_URLS" in page.text for page in pages)
    assert scripted.accounts == []


@pytest.mark.parametrize("others", [(), ("http://127.0.0.1:7777",)])
def test_who_changes_something_else_leaves_the_address_as_it_is(
    app: Flask,
    admin_client: FlaskClient,
    session: Session,
    withdrawn: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    others: tuple[str, ...],
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_BASE_URLS", others)
    path = f"/inboxes/{withdrawn.id}"

    page = admin_client.get(path).text
    renamed = admin_client.post(path, data=FORM | {"name": "Renamed", "base_url": RELAY})

    session.expire_all()
    assert f'<option selected value="{RELAY}">' in page
    assert (renamed.status_code, withdrawn.name) == (303, "Renamed")
    assert withdrawn.channel.settings["base_url"] == RELAY


def test_callbacks_are_read_wherever_the_provider_is(
    session: Session, withdrawn: Inbox, scripted: ScriptedChannel
) -> None:
    called = find_called_inbox(session, scripted.callback_slug, withdrawn.callback_token or "")

    assert called.account.secrets == {"auth_token": SECRET}


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "fast", "1e9"])
def test_a_rate_must_let_something_leave(
    admin_client: FlaskClient, session: Session, inbox: Inbox, rate: str
) -> None:
    answer = admin_client.post(f"/inboxes/{inbox.id}", data=FORM | {"rate": rate})

    session.refresh(inbox)
    assert (answer.status_code, inbox.rate) == (422, None)


def test_a_halted_inbox_says_why_until_somebody_resumes_it(
    admin_client: FlaskClient, session: Session, inbox: Inbox
) -> None:
    halt_inbox(session, inbox.id, "bad credentials")
    session.commit()
    path = f"/inboxes/{inbox.id}"

    admin_client.post(path, data=FORM | {"auth_token": "the right one"})
    pages = [admin_client.get(one).text for one in (path, "/campaigns/table")]
    listed = admin_client.get("/inboxes").text
    admin_client.post(f"{path}/resume")
    admin_client.post(f"{path}/resume")

    assert all("bad credentials" in page for page in pages)
    assert "Halted" in listed
    session.refresh(inbox)
    assert inbox.halted_at is None
    assert "bad credentials" not in admin_client.get("/campaigns/table").text
    entry = session.scalars(select(AuditEntry).filter_by(action="inbox.resumed")).one()
    assert entry.before == {"halt_reason": "bad credentials"}
