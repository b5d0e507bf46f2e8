"""What must not be messaged: its pages, and what a person can do there."""

from io import BytesIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, AuditEntry
from campaigns_app.contacts.models import Suppression
from tests.factories import make_account, make_contact, make_suppression

NUMBER = "+14155550123"


def suppressed(session: Session) -> dict[str, str]:
    session.rollback()
    rows = session.execute(select(Suppression.address, Suppression.source))
    return {row.address: row.source for row in rows}


def test_the_list_shows_own_ones_with_source_and_note(
    admin_client: FlaskClient, account: Account
) -> None:
    make_suppression(account, NUMBER, source="reply", note="Stop")
    make_suppression(make_account(), "+14155550999")

    page = admin_client.get("/suppressions").text

    assert NUMBER in page
    assert "Answered with a word such as STOP" in page
    assert "+14155550999" not in page


@pytest.mark.parametrize("search", ["555-0123", "lawyer", "LAWYER", "(415) 555"])
def test_it_is_searched_by_address_and_note(
    admin_client: FlaskClient, account: Account, search: str
) -> None:
    make_suppression(account, NUMBER, note="their lawyer asked")
    make_suppression(account, "x@example.com")

    page = admin_client.get("/suppressions/table", query_string={"search": search}).text

    assert NUMBER in page
    assert "x@example.com" not in page


@pytest.mark.parametrize(
    ("typed", "stored"),
    [(" +1 (415) 555-0123 ", NUMBER), ("Ana@Example.COM", "ana@example.com")],
)
def test_an_address_is_added_as_it_is_compared(
    admin_client: FlaskClient, session: Session, typed: str, stored: str
) -> None:
    answer = admin_client.post("/suppressions", data={"address": typed, "note": "asked"})

    assert answer.status_code == 303
    assert suppressed(session) == {stored: "manual"}
    actions = session.scalars(select(AuditEntry.action)).all()
    assert "suppression.created" in actions


@pytest.mark.parametrize("typed", ["", "nobody", "+1", "a@", "+14155550123 ext. 5", "x" * 300])
def test_what_is_no_address_is_refused(
    admin_client: FlaskClient, session: Session, typed: str
) -> None:
    answer = admin_client.post("/suppressions", data={"address": typed})

    assert answer.status_code == 422
    assert suppressed(session) == {}


def test_what_is_known_keeps_its_source(
    admin_client: FlaskClient, session: Session, account: Account
) -> None:
    make_suppression(account, NUMBER, source="reply")

    answer = admin_client.post("/suppressions", data={"address": NUMBER})

    assert answer.status_code == 422
    assert suppressed(session) == {NUMBER: "reply"}


def test_one_is_removed_after_a_question(
    admin_client: FlaskClient, session: Session, account: Account
) -> None:
    one = make_suppression(account, NUMBER)

    question = admin_client.get(f"/suppressions/{one.id}/delete")
    assert NUMBER in question.text
    assert suppressed(session) == {NUMBER: "manual"}
    admin_client.post(f"/suppressions/{one.id}/delete")

    assert suppressed(session) == {}


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_accounts_cannot_be_removed(
    admin_client: FlaskClient, session: Session, method: str
) -> None:
    theirs = make_suppression(make_account(), NUMBER)

    answer = getattr(admin_client, method)(f"/suppressions/{theirs.id}/delete")

    assert answer.status_code == 404
    assert suppressed(session) == {NUMBER: "manual"}


def test_a_list_is_imported_from_field_and_file(
    admin_client: FlaskClient, session: Session, account: Account
) -> None:
    make_suppression(account, NUMBER, source="reply")
    data = {
        "addresses": f"{NUMBER}\n+44 7700 900123, ana@example.com\n",
        "list_file": (BytesIO(b'\xef\xbb\xbfphone_number\r\n"+14155550999"\r\n'), "list.csv"),
    }

    answer = admin_client.post("/suppressions/import", data=data)

    assert answer.status_code == 303
    assert suppressed(session) == {
        NUMBER: "reply",
        "+447700900123": "import",
        "ana@example.com": "import",
        "+14155550999": "import",
    }


def test_numbers_of_a_list_are_read_as_dialled_in_the_region(
    admin_client: FlaskClient, session: Session
) -> None:
    data = {"addresses": "(202) 555-1234\n+44 7700 900123", "default_region": "US"}

    answer = admin_client.post("/suppressions/import", data=data)

    assert answer.status_code == 303
    assert suppressed(session) == {"+12025551234": "import", "+447700900123": "import"}


def test_a_region_that_there_is_not_is_refused(admin_client: FlaskClient, session: Session) -> None:
    data = {"addresses": NUMBER, "default_region": "XX"}

    answer = admin_client.post("/suppressions/import", data=data)

    assert answer.status_code == 422
    assert "XX is not a region" in answer.text
    assert suppressed(session) == {}


def test_a_list_that_cannot_be_read_is_refused(admin_client: FlaskClient, session: Session) -> None:
    data = {"list_file": (BytesIO("müller@example.de\n".encode("latin-1")), "list.csv")}

    answer = admin_client.post("/suppressions/import", data=data)

    assert answer.status_code == 422
    assert "This file is not UTF-8 text" in answer.text
    assert suppressed(session) == {}


def test_an_address_of_which_something_was_lost_is_none(
    admin_client: FlaskClient, session: Session
) -> None:
    admin_client.post("/suppressions/import", data={"addresses": f"m\ufffdller@x.example,{NUMBER}"})

    assert suppressed(session) == {NUMBER: "import"}


def test_what_is_none_in_a_list_is_told(admin_client: FlaskClient, session: Session) -> None:
    answer = admin_client.post(
        "/suppressions/import", data={"addresses": f"{NUMBER}\n<b>nobody\x00</b>"}
    )

    assert answer.status_code == 200
    assert "&lt;b&gt;nobody&lt;/b&gt;" in answer.text
    assert suppressed(session) == {NUMBER: "import"}


def test_an_empty_list_is_refused(admin_client: FlaskClient, session: Session) -> None:
    assert admin_client.post("/suppressions/import", data={"addresses": " \n"}).status_code == 422
    assert suppressed(session) == {}


@pytest.mark.parametrize("by", ["phone_number", "email"])
def test_a_contact_who_opted_out_is_shown_as_such(
    admin_client: FlaskClient, account: Account, by: str
) -> None:
    contact = make_contact(account)
    make_contact(account)
    make_suppression(account, getattr(contact, by))
    make_suppression(make_account(), "nobody@example.com")

    page = admin_client.get("/contacts").text

    assert page.count("Suppressed</span>") == 1
