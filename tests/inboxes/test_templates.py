"""Fetching the templates of an inbox, and showing them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import User
from campaigns_app.channels.provider import Account, AccountPause, EventKind, ProviderEvent
from campaigns_app.channels.templates import Template
from campaigns_app.errors import Refused
from campaigns_app.http_client import HttpClient
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox, InboxTemplate, TemplateSync
from campaigns_app.inboxes.service import create_inbox, delete_inbox, update_inbox
from campaigns_app.inboxes.template_jobs import sweep_templates, sync_due_templates
from campaigns_app.inboxes.template_list import list_templates
from campaigns_app.inboxes.template_news import note_template_news
from campaigns_app.inboxes.template_sync import sync_templates
from campaigns_app.job_queue import DEFAULT, get_queue, get_redis
from campaigns_app.operations.simulator import credentials as known
from campaigns_app.operations.simulator.whatsapp_templates import TEMPLATES
from tests.channels.providers import SETTINGS, simulating
from tests.factories import LONG_AGO, make_inbox, make_template
from tests.scripted import ScriptedChannel

HTMX = {"HX-Request": "true"}
SECRETS = dict.fromkeys(("api_key", "app_secret", "webhook_verify_token"), known.SECRET)


@pytest.fixture
def inbox(admin: User, scripted: ScriptedChannel) -> Inbox:
    """An inbox whose provider lists what the test says."""
    return make_inbox(admin.memberships[0].account, inbox_type=scripted.name)


def template(name: str = "sale", language: str = "en", status: str = "APPROVED") -> Template:
    return Template(name, language, status, "MARKETING", [{"type": "BODY", "text": "Hi {{1}}"}])


def listed(inbox: Inbox) -> list[tuple[str, str, str]]:
    return [(one.name, one.language, one.status) for one in list_templates(inbox)]


def test_the_list_becomes_what_the_provider_lists(
    inbox: Inbox, scripted: ScriptedChannel, session: Session
) -> None:
    scripted.templates = [template("a"), template("b"), template("b", "de")]
    sync_templates(inbox)
    kept = {row.name: row.id for row in session.scalars(select(InboxTemplate))}

    scripted.templates = [template("a", status="PAUSED"), template("c"), template("c")]
    sync = sync_templates(inbox)

    assert listed(inbox) == [("a", "en", "PAUSED"), ("c", "en", "APPROVED")]
    assert session.get_one(InboxTemplate, kept["a"]).name == "a"
    assert (sync.fault, sync.due_at - sync.tried_at) == (None, timedelta(hours=3))


@pytest.mark.parametrize(
    ("fault", "text"),
    [(AccountPause("bad token", "190"), "bad token (190)"), (KeyError("x"), "the channel failed")],
)
def test_a_fault_takes_nothing_away(
    inbox: Inbox, scripted: ScriptedChannel, fault: Exception, text: str
) -> None:
    scripted.templates = [template()]
    before = sync_templates(inbox).synced_at

    scripted.templates = fault
    sync = sync_templates(inbox)

    assert listed(inbox) == [("sale", "en", "APPROVED")]
    assert (sync.fault or "").startswith(text)
    assert sync.synced_at == before


def hear_while_fetching(
    monkeypatch: pytest.MonkeyPatch, scripted: ScriptedChannel, hear: Callable[[], object]
) -> None:
    """Have something happen once, between the provider's making the list and its arrival."""
    make_list = scripted.list_templates

    async def list_slowly(http: HttpClient, account: Account) -> list[Template]:
        made = await make_list(http, account)
        monkeypatch.undo()
        hear()
        return made

    monkeypatch.setattr(scripted, "list_templates", list_slowly)


def paused(name: str) -> ProviderEvent:
    kind = EventKind.TEMPLATE_CHANGED
    return ProviderEvent("news", kind, code="PAUSED", template_name=name, template_language="en")


def test_what_is_told_of_a_template_while_the_list_comes_is_younger_than_the_list(
    inbox: Inbox, scripted: ScriptedChannel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.templates = [template()]
    sync_templates(inbox)

    def hear() -> None:
        note_template_news(session, inbox.id, paused("sale"))
        session.commit()

    hear_while_fetching(monkeypatch, scripted, hear)
    sync_templates(inbox)
    at_once = listed(inbox), is_rung(session)
    scripted.templates = [template(status="DISABLED")]
    sync_due_templates()

    assert at_once == ([("sale", "en", "PAUSED")], True)
    assert listed(inbox) == [("sale", "en", "DISABLED")]


def test_so_it_is_for_the_first_list_of_all(
    inbox: Inbox, scripted: ScriptedChannel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.templates = [template(status="PENDING")]

    def hear() -> None:
        note_template_news(session, inbox.id, paused("sale"))
        session.commit()

    hear_while_fetching(monkeypatch, scripted, hear)

    sync_templates(inbox)

    assert (listed(inbox), is_rung(session)) == ([], True)


def test_of_two_who_fetch_at_once_the_one_who_asked_later_is_believed(
    inbox: Inbox, scripted: ScriptedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.templates = [template()]

    def ask_again() -> None:
        scripted.templates = [template(status="PAUSED")]
        # Not within this one's event loop.
        with ThreadPoolExecutor(1) as other:
            other.submit(copy_context().run, sync_templates, inbox).result()

    hear_while_fetching(monkeypatch, scripted, ask_again)
    sync_templates(inbox)

    assert listed(inbox) == [("sale", "en", "PAUSED")]


def test_what_no_database_can_keep_is_left_out(inbox: Inbox, scripted: ScriptedChannel) -> None:
    odd: list[list[dict[str, Any]]] = [
        [{"type": "BODY", "text": "a\x00b"}],
        [{"type": "BODY", "text": "\ud800"}],
        [{"x": 1e999}],
    ]
    scripted.templates = [
        template("x" * 600),
        template(language="y" * 60),
        *(Template(f"odd{n}", "en", "APPROVED", "UTILITY", one) for n, one in enumerate(odd)),
        template("good"),
    ]

    sync_templates(inbox)

    assert listed(inbox) == [("good", "en", "APPROVED")]


def test_an_inbox_without_templates_is_refused(admin: User, app: Flask) -> None:
    with pytest.raises(Refused):
        sync_templates(make_inbox(admin.memberships[0].account))


def test_the_templates_go_with_the_inbox(inbox: Inbox, session: Session) -> None:
    make_template(inbox)

    delete_inbox(inbox.account_id, inbox.id)

    assert session.scalars(select(InboxTemplate)).all() == []


def test_all_pages_of_the_simulator_are_kept(
    app: Flask, admin: User, keys: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulating(tmp_path / "ledger") as simulator:
        monkeypatch.setitem(app.config, "PROVIDER_BASE_URLS", (simulator.url,))
        settings = SETTINGS["Whatsapp"] | SECRETS | {"base_url": simulator.url}
        draft = InboxDraft("Shop", "Whatsapp", settings)
        inbox = create_inbox(admin.memberships[0].account_id, draft)

        sync = sync_templates(inbox)

    assert sync.fault is None
    assert sorted(listed(inbox)) == sorted(
        (told["name"], told["language"], told["status"]) for told in TEMPLATES
    )


# Now and then


def is_rung(session: Session) -> bool:
    session.commit()
    get_redis().flushall()
    sweep_templates()
    return get_queue(DEFAULT).count == 1


def test_a_new_inbox_is_asked_for_and_then_left_alone(
    inbox: Inbox, scripted: ScriptedChannel, session: Session
) -> None:
    scripted.templates = [template()]
    assert is_rung(session)

    sync_due_templates()

    assert listed(inbox) == [("sale", "en", "APPROVED")]
    assert len(scripted.accounts) == 1
    assert not is_rung(session)


@pytest.mark.parametrize(
    ("values", "rung"),
    [
        ({"due_at": LONG_AGO}, True),
        ({"tried_at": LONG_AGO}, True),
        ({}, False),
    ],
)
def test_it_is_asked_for_again_after_a_time_or_when_the_account_was_changed(
    inbox: Inbox, session: Session, values: dict[str, object], rung: bool
) -> None:
    make_template(inbox)
    sync = session.scalars(select(TemplateSync)).one()
    for name, value in values.items():
        setattr(sync, name, value)

    assert is_rung(session) is rung


def test_a_disabled_inbox_is_left_alone(inbox: Inbox, session: Session) -> None:
    inbox.enabled = False

    assert not is_rung(session)


def test_a_provider_that_fails_is_not_asked_every_second(
    inbox: Inbox, scripted: ScriptedChannel, session: Session
) -> None:
    scripted.templates = AccountPause("bad token")

    sync_due_templates()

    assert len(scripted.accounts) == 1
    assert not is_rung(session)


# Pages


def test_the_inbox_page_says_when_and_offers_to_sync(
    admin_client: FlaskClient, inbox: Inbox, scripted: ScriptedChannel
) -> None:
    page = admin_client.get(f"/inboxes/{inbox.id}").text
    assert "have not been fetched yet" in page
    assert f'hx-post="/inboxes/{inbox.id}/templates/sync"' in page

    scripted.templates = [template()]
    part = admin_client.post(f"/inboxes/{inbox.id}/templates/sync", headers=HTMX).text

    assert "<html" not in part
    assert "Fetched from the provider" in part


def test_the_inbox_page_says_what_went_wrong(
    admin_client: FlaskClient, inbox: Inbox, scripted: ScriptedChannel
) -> None:
    scripted.templates = AccountPause("the access token is wrong", "190")

    answer = admin_client.post(f"/inboxes/{inbox.id}/templates/sync", follow_redirects=True)

    assert answer.status_code == 200
    assert "did not list the templates: the access token is wrong (190)" in answer.text


def test_the_list_shows_status_language_category_and_words(
    admin_client: FlaskClient, inbox: Inbox
) -> None:
    make_template(inbox, "Hello {{1}}", name="a", language="de")
    make_template(inbox, name="b", status="PAUSED", category="AUTHENTICATION")

    page = admin_client.get(f"/inboxes/{inbox.id}/templates").text

    for text in ("Approved", "Paused", "de · Marketing", "Hello <mark", "(authentication)"):
        assert text in page


def test_a_long_list_has_pages(admin_client: FlaskClient, inbox: Inbox) -> None:
    for number in range(25):
        make_template(inbox, name=f"template_{number:02d}")

    first, last = (
        admin_client.get(f"/inboxes/{inbox.id}/templates?page={page}").text for page in (1, 99)
    )

    assert "template_23" in first
    assert "template_24" not in first
    assert "template_24" in last
    assert "template_23" not in last


def test_there_is_no_list_where_no_templates_are_sent_nor_for_strangers(
    admin_client: FlaskClient, admin: User, scripted: ScriptedChannel
) -> None:
    mine = make_inbox(admin.memberships[0].account)

    assert admin_client.get(f"/inboxes/{mine.id}/templates").status_code == 404
    assert admin_client.post("/inboxes/99999/templates/sync").status_code == 404


def test_saving_another_account_has_its_templates_fetched(
    admin: User, scripted: ScriptedChannel, keys: list[str], session: Session
) -> None:
    account_id = admin.memberships[0].account_id
    draft = InboxDraft("Phones", scripted.name, {"account_sid": "AC1", "auth_token": "x"})
    inbox = create_inbox(account_id, draft)
    sync_due_templates()
    assert not is_rung(session)

    changed = InboxDraft("Phones", scripted.name, {"account_sid": "AC2"})
    update_inbox(account_id, inbox.id, changed)

    assert is_rung(session)
