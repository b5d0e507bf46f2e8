"""Contacts made, changed, blocked and deleted by people."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, AuditEntry
from campaigns_app.contacts.models import Contact
from campaigns_app.contacts.service import (
    ContactDraft,
    create_contact,
    delete_contact,
    get_contact,
    set_blocked,
    update_contact,
)
from campaigns_app.errors import InvalidInput, NotFound
from tests.factories import make_account, make_contact, make_label, make_user


def test_what_is_typed_is_normalised(account: Account) -> None:
    draft = ContactDraft(" Ana ", "ANA@Example.com", "+1 415 555-0123", " crm-1 ")

    contact = create_contact(account, draft, actor=None)

    assert (contact.name, contact.identifier) == ("Ana", "crm-1")
    assert (contact.email, contact.phone_number) == ("ana@example.com", "+14155550123")


@pytest.mark.parametrize(
    ("draft", "fields"),
    [
        (ContactDraft("Nobody"), ["phone_number"]),
        (ContactDraft(email="nonsense"), ["email"]),
        (ContactDraft(email="a@example.com", phone_number="123"), ["phone_number"]),
        (ContactDraft("x" * 256, identifier="y" * 256), ["name", "identifier"]),
        (ContactDraft("N\x00", identifier="a"), ["name"]),
        (ContactDraft(identifier="a", label_ids=frozenset({2**70})), ["label_ids"]),
    ],
)
def test_what_is_wrong_is_named_by_its_field(
    account: Account, draft: ContactDraft, fields: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_contact(account, draft, actor=None)

    assert refused.value.fields == fields


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (ContactDraft(email="Ana@example.com"), "email"),
        (ContactDraft(phone_number="14155550123"), "phone_number"),
        (ContactDraft(identifier="crm-1"), "identifier"),
    ],
)
def test_a_key_belongs_to_one_contact(account: Account, draft: ContactDraft, field: str) -> None:
    make_contact(account, email="ana@example.com", phone_number="+14155550123", identifier="crm-1")

    with pytest.raises(InvalidInput, match="Another contact has this") as refused:
        create_contact(account, draft, actor=None)

    assert refused.value.fields == [field]


def test_two_accounts_may_know_one_person(account: Account) -> None:
    theirs = make_contact(make_account())

    contact = create_contact(account, ContactDraft(email=theirs.email or ""), actor=None)

    assert contact.email == theirs.email


def test_a_contact_carries_exactly_the_labels_chosen(account: Account) -> None:
    old, new = make_label(account, "old"), make_label(account, "new")
    contact = make_contact(account, old)
    draft = ContactDraft(identifier="a", label_ids=frozenset({new.id}))

    update_contact(account, contact.id, draft, actor=None)

    assert [label.title for label in contact.labels] == ["new"]


def test_another_accounts_label_cannot_be_given(account: Account) -> None:
    theirs = make_label(make_account())
    draft = ContactDraft(identifier="a", label_ids=frozenset({theirs.id}))

    with pytest.raises(InvalidInput, match="There is no such label"):
        create_contact(account, draft, actor=None)


def test_a_contact_can_be_saved_as_it_is(account: Account) -> None:
    contact = make_contact(account, custom_attributes={"plan": "pro"})
    draft = ContactDraft("New name", contact.email or "", contact.phone_number or "")

    update_contact(account, contact.id, draft, actor=None)

    assert (contact.name, contact.custom_attributes) == ("New name", {"plan": "pro"})


def test_a_contact_is_blocked_and_unblocked(account: Account) -> None:
    contact = make_contact(account)

    assert set_blocked(account, contact.id, True, actor=None).blocked
    assert not set_blocked(account, contact.id, False, actor=None).blocked


def test_a_contact_is_deleted_with_its_labels(account: Account, session: Session) -> None:
    contact = make_contact(account, make_label(account))

    delete_contact(account, contact.id, actor=None)

    assert session.scalars(select(Contact)).all() == []


def test_what_people_do_is_in_the_audit_log(account: Account, session: Session) -> None:
    user = make_user(account)
    contact = create_contact(account, ContactDraft("Ana", identifier="a"), actor=user)

    delete_contact(account, contact.id, actor=user)

    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == ["contact.created", "contact.deleted"]
    assert {entry.user_id for entry in entries} == {user.id}


def test_another_accounts_contact_does_not_exist_here(account: Account) -> None:
    theirs = make_contact(make_account())

    with pytest.raises(NotFound):
        get_contact(account.id, theirs.id)
    with pytest.raises(NotFound):
        update_contact(account, theirs.id, ContactDraft(identifier="a"), actor=None)
    with pytest.raises(NotFound):
        set_blocked(account, theirs.id, True, actor=None)
    with pytest.raises(NotFound):
        delete_contact(account, theirs.id, actor=None)
