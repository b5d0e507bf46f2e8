"""The pages of contacts."""

import csv
import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, Role
from campaigns_app.contacts.models import Contact, ContactImport
from tests.conftest import log_in
from tests.factories import make_account, make_contact, make_label, make_user

HTMX = {"HX-Request": "true"}


def upload(client: FlaskClient, text: str, **fields: str) -> str:
    """Upload a file; returns where the answer leads."""
    file = (io.BytesIO(text.encode()), "contacts.csv")
    answer = client.post("/contacts/import", data={"import_file": file, **fields})
    assert answer.status_code == 303
    return answer.location


def test_an_empty_list_says_what_to_do(admin_client: FlaskClient) -> None:
    page = admin_client.get("/contacts")

    assert "No contacts yet" in page.text
    assert 'href="/contacts/import"' in page.text


def test_the_list_shows_names_numbers_and_labels(
    admin_client: FlaskClient, account: Account
) -> None:
    make_contact(account, make_label(account, "vip"), name="<b>Ana", phone_number="+14155550123")

    page = admin_client.get("/contacts")

    assert "&lt;b&gt;Ana" in page.text
    assert "+14155550123" in page.text
    assert "vip" in page.text


def test_search_and_label_work_without_javascript(
    admin_client: FlaskClient, account: Account
) -> None:
    label = make_label(account)
    make_contact(account, label, name="Ana")
    make_contact(account, name="Anatol")

    page = admin_client.get("/contacts", query_string={"search": "ana", "label_id": label.id})

    assert "Contacts: 1" in page.text
    assert "Anatol" not in page.text


def test_htmx_gets_the_table_alone(admin_client: FlaskClient, account: Account) -> None:
    make_contact(account, name="Ana")

    page = admin_client.get("/contacts/table?search=an", headers=HTMX)

    assert "Ana" in page.text
    assert "<html" not in page.text


def test_a_contact_is_added(admin_client: FlaskClient, account: Account, session: Session) -> None:
    label = make_label(account)
    form = {"name": "Ana", "phone_number": "+1 415 555 0123", "label_ids": str(label.id)}

    answer = admin_client.post("/contacts", data=form, follow_redirects=True)

    assert "Contact added successfully" in answer.text
    contact = session.scalars(select(Contact)).one()
    assert contact.phone_number == "+14155550123"
    assert contact.labels == [label]


def test_what_was_typed_is_kept_beside_the_reason(admin_client: FlaskClient) -> None:
    page = admin_client.post("/contacts", data={"name": "Ana", "email": "nonsense"})

    assert page.status_code == 422
    assert "This is not a valid e-mail address." in page.text
    assert 'value="Ana"' in page.text
    assert 'value="nonsense"' in page.text


def test_a_contact_is_changed(admin_client: FlaskClient, account: Account) -> None:
    contact = make_contact(account, custom_attributes={"plan": "pro"})
    page = admin_client.get(f"/contacts/{contact.id}/edit")
    assert "plan" in page.text

    form = {"name": "Bo", "email": "", "phone_number": "", "identifier": "b"}

    answer = admin_client.post(f"/contacts/{contact.id}", data=form)

    assert answer.status_code == 303
    assert (contact.name, contact.email) == ("Bo", None)


def test_blocking_tells_the_page_to_look_again(admin_client: FlaskClient, account: Account) -> None:
    contact = make_contact(account)

    answer = admin_client.post(f"/contacts/{contact.id}/block", headers=HTMX)

    assert answer.status_code == 204
    assert "contact-changed" in answer.headers["HX-Trigger"]
    assert contact.blocked


def test_unblocking_works_without_javascript(admin_client: FlaskClient, account: Account) -> None:
    contact = make_contact(account, blocked=True)

    assert admin_client.post(f"/contacts/{contact.id}/unblock").status_code == 303
    assert not contact.blocked


@pytest.mark.parametrize(("headers", "whole"), [({}, True), (HTMX, False)])
def test_deleting_is_confirmed_first(
    admin_client: FlaskClient, account: Account, headers: dict[str, str], whole: bool
) -> None:
    contact = make_contact(account)

    page = admin_client.get(f"/contacts/{contact.id}/delete", headers=headers)

    assert "Delete this contact?" in page.text
    assert ("<html" in page.text) is whole


def test_a_contact_is_deleted(
    admin_client: FlaskClient, account: Account, session: Session
) -> None:
    contact = make_contact(account)

    assert admin_client.post(f"/contacts/{contact.id}/delete").status_code == 303
    assert session.scalars(select(Contact)).all() == []


def test_an_upload_shows_what_became_of_every_row(
    admin_client: FlaskClient, account: Account
) -> None:
    text = "name,email,labels\nAna,ana@example.com,vip\nBo,nonsense,vip\n"

    page = admin_client.get(upload(admin_client, text, create_labels="y"))

    assert "1 of 2 rows were rejected" in page.text
    assert "This is not a valid e-mail address." in page.text
    assert "nonsense" in page.text


def test_an_upload_of_which_nothing_is_left_says_so_and_what_to_do(
    admin_client: FlaskClient, account: Account
) -> None:
    text = "email,labels\nana@example.com,vip\n"

    page = admin_client.get(upload(admin_client, text)).text

    assert "All 1 rows were rejected: nothing was imported." in page
    assert "unless «Create missing labels» is chosen" in page


def test_labels_of_a_file_are_wanted_where_there_are_none(
    admin_client: FlaskClient, account: Account
) -> None:
    asked = 'checked class="checkbox" id="create_labels"'
    assert asked in admin_client.get("/contacts/import").text
    make_label(account)

    assert asked not in admin_client.get("/contacts/import").text


def test_rejected_rows_are_downloaded_without_formulas(admin_client: FlaskClient) -> None:
    where = upload(admin_client, "email,name\n=cmd|x,Ana\n")

    answer = admin_client.get(f"{where}/rejected.csv")

    assert answer.headers["Content-Disposition"] == "attachment; filename=rejected-rows.csv"
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["line", "column", "reason", "value"]
    assert rows[1] == ["2", "email", "This is not a valid e-mail address.", "'=cmd|x"]


def test_an_upload_reads_numbers_in_the_region_chosen(
    admin_client: FlaskClient, session: Session
) -> None:
    upload(admin_client, "phone_number\n07700 900123\n", default_region="GB")

    assert session.scalars(select(Contact.phone_number)).all() == ["+447700900123"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "The file is blank."), (b"name\nAna\n", "The first line must name the columns")],
)
def test_a_file_of_no_use_is_refused(
    admin_client: FlaskClient, session: Session, content: bytes, reason: str
) -> None:
    file = (io.BytesIO(content), "contacts.csv")

    page = admin_client.post("/contacts/import", data={"import_file": file})

    assert page.status_code == 422
    assert reason in page.text
    assert session.scalars(select(ContactImport)).all() == []


def test_no_file_at_all_is_refused(admin_client: FlaskClient) -> None:
    page = admin_client.post("/contacts/import", data={})

    assert page.status_code == 422
    assert "Choose a file." in page.text


def test_the_sample_file_can_be_downloaded(admin_client: FlaskClient) -> None:
    answer = admin_client.get("/contacts/import/sample.csv")

    assert answer.mimetype == "text/csv"
    assert answer.data.startswith(b"identifier,name,email")
    answer.close()


def test_another_accounts_contacts_and_imports_are_not_found(
    admin_client: FlaskClient, session: Session
) -> None:
    other = make_account()
    contact, label = make_contact(other), make_label(other)
    where = upload(admin_client, "email\nana@example.com\n")
    done = session.scalars(select(ContactImport)).one()
    done.account_id = other.id
    session.commit()

    for path in (f"/contacts/{contact.id}/edit", f"/contacts/{contact.id}/delete"):
        assert admin_client.get(path).status_code == 404
    for path in ("", "/block", "/unblock", "/delete"):
        assert admin_client.post(f"/contacts/{contact.id}{path}").status_code == 404
    assert admin_client.get(where).status_code == 404
    assert admin_client.get(f"{where}/rejected.csv").status_code == 404
    assert admin_client.get(f"/contacts?label_id={label.id}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/contacts", "/contacts/table", "/contacts/new", "/contacts/import", "/labels"]
)
def test_agents_may_not_enter(client: FlaskClient, session: Session, path: str) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    assert client.get(path).status_code == 403
