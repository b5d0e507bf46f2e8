"""Importing a file: every row arrives once, or is reported with its place and a reason."""

import io
from pathlib import Path
from threading import Barrier, Thread

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.importing import ImportReport, import_contacts
from campaigns_app.contacts.models import Contact
from campaigns_app.errors import InvalidInput
from campaigns_app.extensions import db
from tests.factories import make_account, make_contact, make_label

HEADER = "identifier,name,email,phone_number,labels,plan\n"


def run(account: Account, text: str, **options: object) -> ImportReport:
    return import_contacts(account.id, io.BytesIO(text.encode()), **options)  # type: ignore[arg-type]


def find(account: Account, identifier: str) -> Contact | None:
    return db.session.scalar(
        select(Contact).where(Contact.account_id == account.id, Contact.identifier == identifier)
    )


def titles(contact: Contact | None) -> list[str]:
    assert contact is not None
    return [label.title for label in contact.labels]


@pytest.fixture
def account(app: Flask) -> Account:
    account = make_account()
    for title in ("vip", "premium", "newsletter"):
        make_label(account, title)
    return account


@pytest.fixture
def messy(account: Account, shared_data: Path) -> ImportReport:
    with (shared_data / "contacts-messy.csv").open("rb") as source:
        return import_contacts(account.id, source)


def test_every_row_of_a_messy_file_is_accounted_for(messy: ImportReport) -> None:
    assert messy.rows == 25
    assert messy.created == 11
    assert messy.updated == 1
    assert messy.rejected_count == 13
    assert messy.blank == 1


@pytest.mark.parametrize(
    ("line", "column", "reason", "value"),
    [
        (9, "phone_number", "This is not a phone number", "12-ab-34"),
        (10, "phone_number", "This is not a phone number", "+123456789012345678"),
        (11, "email", "This is not a valid e-mail address", "not-an-email"),
        (12, "email", "another contact, whose identifier is ok-1", "ana@example.com"),
        (13, "phone_number", "another contact, whose identifier is ok-1", "+5511987654321"),
        (15, "labels", "Unknown labels: no-such-label", "no-such-label"),
        (18, "name", "longer than 255 characters", "x" * 80),
        (21, "name", "not UTF-8", r"Jos\xe9 Garc\xeda"),
        (22, "name", "a NUL character", r"Nu\x00l"),
        (23, "", "has 2 columns, the first line has 6", "few,Too Few Columns"),
        (24, "", "has 8 columns, the first line has 6", "many,Too Many,many@example.com"),
        (25, "", "Every cell of the row is empty", ""),
        (27, "", "would be invisible", ""),
    ],
)
def test_a_messy_row_is_reported_with_its_place(
    messy: ImportReport, line: int, column: str, reason: str, value: str
) -> None:
    error = next(error for error in messy.rejected if error.line == line)

    assert error.column == column
    assert reason in error.reason
    assert error.value.startswith(value)


@pytest.mark.parametrize(
    ("identifier", "name", "email", "phone_number"),
    [
        ("ok-1", "Ana Updated", "ana@example.com", "+5511987654321"),
        ("ok-2", 'Smith, "Bob" Jr.', "bob@example.com", "+14155552671"),
        ("ok-3", "Line one\nline two", "multi@example.com", "+442071838750"),
        ("ok-4", "محمد علي", "rtl@example.com", "+966501234567"),
        ("ok-5", "王小明 👩\u200d👩\u200d👧", "emoji@example.com", "+8613812345678"),
        ("ok-6", "No Plus", "noplus@example.com", "+14155550123"),
        ("formula", '=HYPERLINK("http://evil.example","x")', "f@example.com", "+14155550202"),
        ("formula2", "@SUM(1+1)", "f2@example.com", "+14155550203"),
        ("liquid", "{{ contact.email }}{% assign x=1 %}", "liq@example.com", "+14155550205"),
        ("html", "<script>alert(1)</script>", "xss@example.com", "+14155550206"),
        ("ok-7", "Spaces", "spaces@example.com", "+14155550210"),
    ],
)
def test_a_sound_row_of_a_messy_file_arrives(
    account: Account, messy: ImportReport, identifier: str, name: str, email: str, phone_number: str
) -> None:
    contact = find(account, identifier)

    assert contact is not None
    assert (contact.name, contact.email, contact.phone_number) == (name, email, phone_number)


def test_a_later_row_updates_the_contact_and_adds_its_labels(
    account: Account, messy: ImportReport
) -> None:
    contact = find(account, "ok-1")

    assert contact is not None
    assert contact.custom_attributes == {"plan": "team"}
    assert titles(contact) == ["newsletter", "premium", "vip"]


def test_a_second_import_changes_nothing(account: Account) -> None:
    text = HEADER + "a,Ana,ana@example.com,+14155550101,vip,pro\n"
    run(account, text)

    again = run(account, text)

    assert (again.rows, again.unchanged) == (1, 1)


def test_an_empty_cell_leaves_what_is_known(account: Account) -> None:
    run(account, HEADER + "a,Ana,ana@example.com,+14155550101,vip,pro\n")

    run(account, HEADER + "a,,,,,\na,,ana@example.com,+14155550102,,\n")

    contact = find(account, "a")
    assert contact is not None
    assert (contact.name, contact.phone_number) == ("Ana", "+14155550102")
    assert contact.custom_attributes == {"plan": "pro"}


@pytest.mark.parametrize(
    "row", ["a,Ana,,,,\n", ",Ana,ana@example.com,,,\n", ",Ana,,+14155550101,,\n"]
)
def test_a_contact_is_matched_by_any_of_its_keys(account: Account, row: str) -> None:
    known = make_contact(
        account, identifier="a", email="ana@example.com", phone_number="+14155550101", name="Old"
    )

    report = run(account, HEADER + row)

    assert report.updated == 1
    assert known.name == "Ana"


def test_a_row_that_means_two_contacts_is_rejected(account: Account) -> None:
    make_contact(account, identifier="a", email="ana@example.com")
    make_contact(account, identifier="b", email="bob@example.com")

    report = run(account, HEADER + "a,Both,bob@example.com,,,\n")

    assert report.rejected[0].column == "email"
    assert report.rejected[0].reason.endswith("whose identifier is b.")


def test_a_key_may_move_between_contacts_within_a_file(account: Account) -> None:
    run(account, "identifier,phone_number\na,+14155550101\nb,+14155550102\n")

    report = run(
        account,
        "identifier,phone_number\na,+14155550103\nb,+14155550101\na,+14155550102\n",
    )

    found = [find(account, "a"), find(account, "b")]
    assert [one.phone_number for one in found if one] == ["+14155550102", "+14155550101"]
    assert report.updated == 3


def test_a_new_contact_may_take_over_a_key_given_up_before(account: Account) -> None:
    run(account, "identifier,phone_number\na,+14155550101\n")

    report = run(account, "identifier,phone_number\na,+14155550102\nb,+14155550101\n")

    assert (report.updated, report.created) == (1, 1)


def test_a_missing_label_is_created_on_request(account: Account) -> None:
    report = run(account, HEADER + 'a,Ana,,,"VIP,Brand-New",\n', create_labels=True)

    assert report.labels_created == 1
    assert titles(find(account, "a")) == ["brand-new", "vip"]


def test_a_rejected_row_creates_no_label(account: Account) -> None:
    make_contact(account, identifier="a", email="ana@example.com")

    report = run(account, HEADER + "b,Bo,ana@example.com,,fresh,\n", create_labels=True)

    assert (report.rejected_count, report.labels_created) == (1, 0)


def test_a_label_that_cannot_be_named_so_rejects_its_row(account: Account) -> None:
    report = run(account, HEADER + "a,Ana,,,two words,\n", create_labels=True)

    assert report.rejected[0].reason.startswith("The name of a label has letters")


def test_company_and_city_are_kept_where_messages_and_webhooks_look(account: Account) -> None:
    run(account, "identifier,company_name,City\na,Acme,Lisbon\n")

    contact = find(account, "a")
    assert contact is not None
    expected = {"company_name": "Acme", "city": "Lisbon"}
    assert contact.custom_attributes == contact.additional_attributes == expected


@pytest.mark.parametrize(("cell", "blocked"), [("yes", True), ("0", False), ("", False)])
def test_a_contact_can_arrive_blocked(account: Account, cell: str, blocked: bool) -> None:
    run(account, f"identifier,blocked\na,{cell}\n")

    contact = find(account, "a")
    assert contact is not None
    assert contact.blocked is blocked


def test_numbers_without_plus_are_read_in_the_region_given(account: Account) -> None:
    run(account, "identifier,phone_number\na,020 7183 8750\n", default_region="GB")

    contact = find(account, "a")
    assert contact is not None
    assert contact.phone_number == "+442071838750"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "The file is blank."),
        ("\n\n", "The file is blank."),
        ("name;email\nAna;ana@example.com\n", "at least one of identifier, email, phone_number"),
        ("name,city\nAna,Rome\n", "at least one of identifier, email, phone_number"),
        ("email,,name\n", "Column 2 has no name"),
        ("email,Email\n", "email is named twice"),
        ("email,plan,plan\n", "plan is named twice"),
        ("email,na\x00me\n", "The first line cannot be read"),
        ('email,"name\n', "The first line cannot be read"),
    ],
)
def test_a_header_of_no_use_is_refused(account: Account, text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        run(account, text)

    assert refused.value.fields == ["import_file"]


def test_an_unknown_region_is_refused(account: Account) -> None:
    with pytest.raises(InvalidInput, match="XX is not a region"):
        run(account, HEADER, default_region="XX")


def test_another_accounts_contacts_are_neither_matched_nor_changed(account: Account) -> None:
    stranger = make_contact(make_account(), identifier="a", name="Stranger")

    report = run(account, HEADER + f"a,Ana,{stranger.email},,,\n")

    assert report.created == 1
    assert stranger.name == "Stranger"


def test_progress_is_told_after_every_block(account: Account) -> None:
    told: list[int] = []
    rows = "".join(f"c{number}\n" for number in range(1200))

    run(account, "identifier\n" + rows, progress=told.append)

    assert told == [500, 1000, 1200]


def test_two_imports_at_once_create_each_contact_once(app: Flask, account: Account) -> None:
    text = "identifier,email\n" + "".join(f"c{n},c{n}@example.com\n" for n in range(900))
    reports, account_id, start = [], account.id, Barrier(2)
    db.session.rollback()

    def work() -> None:
        with app.app_context():
            start.wait()
            reports.append(import_contacts(account_id, io.BytesIO(text.encode())))

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.created for report in reports) == 900
    assert sum(report.rejected_count for report in reports) == 0
    assert db.session.scalar(select(func.count()).select_from(Contact)) == 900


KEYS_AND_WORDS = [
    "a",
    "b",
    "ana@example.com",
    "Ana@Example.com",
    "+14155550101",
    "14155550101",
    "vip",
    "=1+1",
]
CELLS = st.sampled_from([*KEYS_AND_WORDS, *'",+@ é\x00\n\r\ufeff\u2028', '""'])
TEXTS = st.lists(CELLS).map("".join).map(str.encode)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.one_of(TEXTS, st.binary(max_size=60)), max_size=12))
def test_no_bytes_break_the_import(account: Account, rows: list[bytes]) -> None:
    content = b"\n".join([HEADER.strip().encode(), *rows])

    before = count_contacts(db.session())
    report = import_contacts(account.id, io.BytesIO(content))

    assert count_contacts(db.session()) == before + report.created
    assert report.rejected_count == len(report.rejected)
    assert report.rows + report.blank <= content.count(b"\n") + content.count(b"\r")


def count_contacts(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Contact)) or 0
