"""Contacts that are new or changed are told of, in the transaction that writes them."""

import io
import json
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from campaigns_app import job_queue
from campaigns_app.accounts.models import Account
from campaigns_app.contacts import service
from campaigns_app.contacts.importing import import_contacts
from campaigns_app.contacts.models import Contact
from campaigns_app.contacts.service import ContactDraft
from campaigns_app.errors import InvalidInput
from campaigns_app.extensions import db
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEvent
from tests.factories import make_account, make_contact, make_endpoint, make_inbox

ADA = ContactDraft(name="Ada", email="ada@example.com")


@pytest.fixture
def account(session: Session) -> Account:
    return make_account(name="Acme")


def subscribe(account: Account, *event_types: str) -> None:
    make_endpoint(account, subscriptions=list(event_types))


def told(session: Session) -> list[dict[str, Any]]:
    payloads = session.scalars(select(WebhookEvent.payload).order_by(WebhookEvent.id))
    return [json.loads(payload) for payload in payloads]


def import_text(account: Account, text: str) -> None:
    import_contacts(account.id, io.BytesIO(text.encode()))


def test_a_new_contact_is_told_with_chatwoots_keys(session: Session, account: Account) -> None:
    subscribe(account, "contact_created")

    contact = service.create_contact(account, ADA, actor=None)

    assert told(session) == [
        {
            "account": {"id": account.id, "name": "Acme"},
            "additional_attributes": {},
            "avatar": "",
            "blocked": False,
            "custom_attributes": {},
            "email": "ada@example.com",
            "event": "contact_created",
            "id": contact.id,
            "identifier": None,
            "name": "Ada",
            "phone_number": None,
            "thumbnail": "",
        }
    ]


def test_a_changed_contact_is_told_with_what_changed(session: Session, account: Account) -> None:
    subscribe(account, "contact_created", "contact_updated")
    contact = make_contact(account, name="Ada", email="ada@example.com", phone_number=None)

    changed = ContactDraft(name="Ada Lovelace", email="ada@example.com")
    service.update_contact(account, contact.id, changed, actor=None)

    [payload] = told(session)
    assert (payload["event"], payload["name"]) == ("contact_updated", "Ada Lovelace")
    assert payload["changed_attributes"] == [
        {"name": {"previous_value": "Ada", "current_value": "Ada Lovelace"}}
    ]


def test_blocking_is_a_change(session: Session, account: Account) -> None:
    subscribe(account, "contact_updated")
    contact = make_contact(account)

    service.set_blocked(account, contact.id, True, actor=None)
    service.set_blocked(account, contact.id, True, actor=None)

    [payload] = told(session)
    assert payload["changed_attributes"] == [
        {"blocked": {"previous_value": False, "current_value": True}}
    ]


def test_a_contact_that_stays_as_it_is_is_not_told(session: Session, account: Account) -> None:
    subscribe(account, "contact_updated")
    contact = service.create_contact(account, ADA, actor=None)

    service.update_contact(account, contact.id, ADA, actor=None)

    assert told(session) == []


def test_a_refused_contact_is_not_told(session: Session, account: Account) -> None:
    subscribe(account, "contact_created")

    with pytest.raises(InvalidInput):
        service.create_contact(account, ContactDraft(name="Nobody"), actor=None)

    assert told(session) == []


def test_the_queue_is_rung_after_the_commit(account: Account) -> None:
    service.create_contact(account, ADA, actor=None)
    assert job_queue.waiting(job_queue.WEBHOOKS) == 0

    subscribe(account, "contact_created")
    service.create_contact(account, ContactDraft(email="bob@example.com"), actor=None)
    assert job_queue.waiting(job_queue.WEBHOOKS) == 1


def test_an_import_tells_of_each_contact_that_is_new_or_different(
    session: Session, account: Account
) -> None:
    subscribe(account, "contact_created", "contact_updated")
    make_contact(account, name="Old", email="old@example.com", phone_number=None)
    make_contact(account, name="Same", email="same@example.com", phone_number=None)

    import_text(
        account,
        "name,email,plan\nNew,new@example.com,gold\nRenamed,old@example.com,\n"
        "Same,same@example.com,\n,old@example.com,gold\n",
    )

    by_email = {payload["email"]: payload for payload in told(session)}
    assert {email: payload["event"] for email, payload in by_email.items()} == {
        "new@example.com": "contact_created",
        "old@example.com": "contact_updated",
    }
    assert by_email["new@example.com"]["custom_attributes"] == {"plan": "gold"}
    assert by_email["old@example.com"]["changed_attributes"] == [
        {"name": {"previous_value": "Old", "current_value": "Renamed"}},
        {"custom_attributes": {"previous_value": {}, "current_value": {"plan": "gold"}}},
    ]
    ids = {contact.email: contact.id for contact in session.scalars(select(Contact))}
    assert {email: payload["id"] for email, payload in by_email.items()} == {
        email: ids[email] for email in by_email
    }


def test_importing_the_same_file_again_tells_nothing(session: Session, account: Account) -> None:
    subscribe(account, "contact_created", "contact_updated")
    text = "name,email\nAda,ada@example.com\n"

    import_text(account, text)
    import_text(account, text)

    assert len(told(session)) == 1


def test_without_a_subscriber_an_import_asks_once_a_block_and_writes_nothing(
    session: Session, account: Account
) -> None:
    subscribe(account, "message_created")
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    rows = "".join(f"user{number}@example.com\n" for number in range(600))

    import_text(account, "email\n" + rows)

    assert told(session) == []
    assert len([one for one in statements if "FROM webhook_endpoints" in one]) == 2


def test_another_accounts_endpoints_and_those_of_inboxes_are_not_told(
    session: Session, account: Account
) -> None:
    subscribe(make_account(), "contact_created")
    inbox = make_inbox(account)
    make_endpoint(account, inbox_id=inbox.id, subscriptions=["message_created"])
    make_endpoint(account, subscriptions=["contact_created"], enabled=False)

    service.create_contact(account, ADA, actor=None)

    assert session.scalars(select(WebhookDelivery)).all() == []
