"""What the audit log tells, and its page."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

import campaigns_app
from campaigns_app.accounts.audit import ACTIONS, KNOWN_ACTIONS, record
from campaigns_app.accounts.audit_log import AuditFilter, AuditLine, Change, read_audit_log
from campaigns_app.accounts.models import Account, AuditEntry, Role, User
from campaigns_app.campaigns.control import pause_campaign
from campaigns_app.catalogue import load_texts
from campaigns_app.database.types import utcnow
from campaigns_app.webhooks import service
from campaigns_app.webhooks.drafts import EndpointDraft
from campaigns_app.webhooks.replay import send_test
from tests.conftest import log_in
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_endpoint,
    make_inbox,
    make_label,
    make_suppression,
    make_user,
)
from tests.statements import CountQueries

SOURCES = Path(campaigns_app.__file__).parent
PAGE = "/settings/audit"


def note(session: Session, admin: User, *actions: str) -> None:
    """Let the person have done that to their account."""
    for action in actions:
        record(action, admin, admin.memberships[0].account)
    session.commit()


def lines_of(account: Account, **wanted: int | str) -> list[AuditLine]:
    """What the log tells, newest first."""
    return list(read_audit_log(account.id, AuditFilter(**wanted)).lines)  # type: ignore[arg-type]


def recorded_actions() -> set[str]:
    """The actions that the application's own code records."""
    found: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("record", "_save"):
                texts = [part for arg in node.args for part in ast.walk(arg)]
                words = [part.value for part in texts if isinstance(part, ast.Constant)]
                found |= {
                    one for one in words if isinstance(one, str) and re.fullmatch(r"\w+\.\w+", one)
                }
    return found


def test_whatever_is_recorded_has_its_words() -> None:
    texts = load_texts("en")

    assert recorded_actions() == KNOWN_ACTIONS
    keys = [f"AUDIT.{one.upper()}" for one in KNOWN_ACTIONS]
    keys += [f"AUDIT.THING.{thing.upper()}" for thing in ACTIONS]
    assert [key for key in keys if texts.gettext(key) == key] == []


def test_a_line_says_who_did_what_to_which_thing(
    admin: User, account: Account, session: Session
) -> None:
    campaign = make_campaign(account, title="Summer")

    pause_campaign(account, campaign.display_id, actor=admin)

    (line,) = lines_of(account)
    assert (line.person, line.entry.action, line.title) == (admin.name, "campaign.paused", "Summer")


def test_things_are_linked_while_they_exist(
    admin_client: FlaskClient, admin: User, account: Account, session: Session
) -> None:
    endpoint = make_endpoint(account, name="Shop")
    delivery = send_test(account.id, endpoint.id, actor=admin, now=utcnow())
    things = [
        make_campaign(account),
        make_contact(account),
        make_label(account),
        make_inbox(account),
        make_suppression(account, "+14155550100"),
        endpoint,
        delivery,
    ]
    for thing in things:
        record("contact.updated", admin, thing)
    session.commit()

    page = admin_client.get(PAGE, query_string={"action": "contact.updated"}).text
    links = re.findall(r'id="subject-\d+" href="([^"]+)"', page)

    assert len(links) == len(things)
    assert [admin_client.get(link).status_code for link in links] == [200] * len(things)


def test_what_is_gone_keeps_its_name_and_has_no_link(
    admin_client: FlaskClient, admin: User, account: Account
) -> None:
    endpoint = make_endpoint(account, url="http://127.0.0.1:9/gone")
    service.delete_endpoint(account.id, endpoint.id, actor=admin)

    page = admin_client.get(PAGE).text

    assert "Deleted a webhook" in page
    assert "http://127.0.0.1:9/gone" in page
    assert 'id="subject-' not in page


def test_what_changed_is_told_and_no_secret(
    admin_client: FlaskClient, admin: User, account: Account, session: Session
) -> None:
    endpoint = make_endpoint(account, name="Shop", url="http://127.0.0.1:9/old")
    draft = EndpointDraft(
        "http://127.0.0.1:9/new", endpoint.subscriptions, headers={"X-Key": "hush-hush"}
    )
    service.update_endpoint(account.id, endpoint.id, draft, actor=admin)
    service.rotate_secret(account.id, endpoint.id, now=utcnow(), actor=admin)

    rotated, updated = lines_of(account)[:2]
    page = admin_client.get(PAGE).text

    assert Change("url", "http://127.0.0.1:9/old", "http://127.0.0.1:9/new") in updated.changes
    assert Change("headers", "–", "X-Key") in updated.changes
    assert list(rotated.changes) == [Change("old_is_kept", None, "true")]
    session.refresh(endpoint)
    for secret in ("hush-hush", endpoint.secret, endpoint.previous_secret):
        assert secret and secret not in page  # noqa: PT018


def test_pages_lead_from_the_newest_to_the_oldest(
    admin_client: FlaskClient, admin: User, account: Account, session: Session
) -> None:
    note(session, admin, *["label.created"] * 60)
    seen: list[int] = []
    before = None
    while True:
        page = read_audit_log(account.id, AuditFilter(action="label.created", before=before))
        seen += [line.entry.id for line in page.lines]
        before = page.next_before
        if before is None:
            break

    first = admin_client.get(PAGE, query_string={"action": "label.created"}).text
    (older,) = re.findall(r'id="audit-older" href="([^"]+)"', first)

    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 60
    assert 'id="audit-newest"' in admin_client.get(older.replace("&amp;", "&")).text


def test_the_log_can_be_narrowed_to_a_person_and_to_what_was_done(
    admin: User, account: Account, session: Session
) -> None:
    other = make_user(account)
    note(session, admin, "label.created", "label.deleted")
    note(session, other, "label.created")

    assert len(lines_of(account)) == 3
    assert [line.person for line in lines_of(account, user_id=other.id)] == [other.name]
    (line,) = lines_of(account, user_id=admin.id, action="label.created")
    assert (line.person, line.entry.action) == (admin.name, "label.created")


def test_what_the_app_did_by_itself_names_nobody(
    admin_client: FlaskClient, account: Account, session: Session
) -> None:
    record("campaign.paused", None, make_campaign(account))
    session.commit()

    assert "The app itself" in admin_client.get(PAGE).text


@pytest.mark.parametrize(
    "query", ["user_id=x", "user_id=99999999999999999999", "before=-1", "action=no.such", "before="]
)
def test_what_cannot_be_asked_for_is_passed_over(
    admin_client: FlaskClient, account: Account, query: str
) -> None:
    answer = admin_client.get(f"{PAGE}?{query}")

    assert answer.status_code == 200
    assert "Logged in" in answer.text


def test_where_nothing_is_found_the_page_says_so(admin_client: FlaskClient) -> None:
    assert "Nothing found" in admin_client.get(f"{PAGE}?action=label.created").text


def test_an_empty_log_says_what_comes_here(
    admin_client: FlaskClient, session: Session, app: Flask
) -> None:
    session.query(AuditEntry).delete()
    session.commit()

    assert "Nothing yet" in admin_client.get(PAGE).text


def test_the_page_makes_as_many_queries_for_many_lines(
    admin_client: FlaskClient,
    account: Account,
    admin: User,
    session: Session,
    count_queries: CountQueries,
) -> None:
    note(session, admin, "account.updated")
    one = count_queries(lambda: admin_client.get(PAGE))
    for thing in [*(make_label(account) for _ in range(9)), make_campaign(account)]:
        record("label.updated", admin, thing)
    session.commit()

    assert count_queries(lambda: admin_client.get(PAGE)) == one


def test_another_accounts_doings_are_not_told(admin_client: FlaskClient, session: Session) -> None:
    stranger = make_user(make_account(), name="Somebody Else")
    note(session, stranger, "label.created")

    page = admin_client.get(PAGE, query_string={"user_id": stranger.id}).text

    assert "Nothing found" in page
    assert "Somebody Else" not in page


def test_agents_are_not_let_in(client: FlaskClient) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    assert client.get(PAGE).status_code == 403
