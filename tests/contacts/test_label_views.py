"""The pages of labels."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.models import Label
from tests.factories import make_account, make_contact, make_label

HTMX = {"HX-Request": "true"}


def test_an_empty_list_says_what_to_do(admin_client: FlaskClient) -> None:
    assert "No labels yet" in admin_client.get("/labels").text


def test_the_list_counts_contacts(admin_client: FlaskClient, account: Account) -> None:
    label = make_label(account, "vip")
    make_contact(account, label)

    page = admin_client.get("/labels/table", headers=HTMX)

    assert f'<a href="/contacts?label_id={label.id}">1</a>' in page.text


def test_a_label_is_added(admin_client: FlaskClient, session: Session) -> None:
    form = {"title": "VIP", "description": "Best", "color": "#AA0000"}

    answer = admin_client.post("/labels", data=form, follow_redirects=True)

    assert "Label added successfully" in answer.text
    label = session.scalars(select(Label)).one()
    assert (label.title, label.description, label.color) == ("vip", "Best", "#aa0000")


def test_a_refused_label_keeps_what_was_typed(admin_client: FlaskClient) -> None:
    page = admin_client.post("/labels", data={"title": "two words", "color": "#1f93ff"})

    assert page.status_code == 422
    assert "letters, digits, _ and - only" in page.text
    assert 'value="two words"' in page.text


def test_a_label_is_changed(admin_client: FlaskClient, account: Account) -> None:
    label = make_label(account, "vip")
    assert 'value="vip"' in admin_client.get(f"/labels/{label.id}/edit").text

    answer = admin_client.post(f"/labels/{label.id}", data={"title": "gold", "color": "#1f93ff"})

    assert answer.status_code == 303
    assert label.title == "gold"


def test_a_title_in_use_is_refused(admin_client: FlaskClient, account: Account) -> None:
    make_label(account, "gold")
    label = make_label(account, "vip")

    page = admin_client.post(f"/labels/{label.id}", data={"title": "gold", "color": "#1f93ff"})

    assert page.status_code == 422
    assert "a label with this name already" in page.text


@pytest.mark.parametrize(("headers", "status"), [({}, 303), (HTMX, 204)])
def test_a_label_is_deleted_after_a_question(
    admin_client: FlaskClient, account: Account, headers: dict[str, str], status: int
) -> None:
    url = f"/labels/{make_label(account).id}/delete"
    assert "Delete this label?" in admin_client.get(url, headers=headers).text

    assert admin_client.post(url, headers=headers).status_code == status
    assert admin_client.get(url).status_code == 404


def test_another_accounts_labels_are_not_found(admin_client: FlaskClient) -> None:
    label = make_label(make_account())

    for path in ("edit", "delete"):
        assert admin_client.get(f"/labels/{label.id}/{path}").status_code == 404
    for path in ("", "/delete"):
        assert admin_client.post(f"/labels/{label.id}{path}").status_code == 404
