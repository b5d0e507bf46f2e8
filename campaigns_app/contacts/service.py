"""What a person does with contacts: create, change, block, delete. Each function is one commit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.contacts.addresses import normalise_email, normalise_phone_number
from campaigns_app.contacts.labels import ids_by_title
from campaigns_app.contacts.models import KEYS, LONGEST_TEXT, Contact, ContactLabel
from campaigns_app.contacts.signals import ContactChange, tell_of_contacts, told_columns
from campaigns_app.database.text import is_storable
from campaigns_app.database.types import utcnow
from campaigns_app.errors import FieldError, InvalidInput, NotFound
from campaigns_app.extensions import db


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """What a person says about a contact; one of e-mail, phone number and identifier is needed.

    `label_ids` are all the labels the contact is to carry.
    """

    name: str = ""
    email: str = ""
    phone_number: str = ""
    identifier: str = ""
    blocked: bool = False
    label_ids: frozenset[int] = frozenset()


def create_contact(account: Account, draft: ContactDraft, *, actor: User | None) -> Contact:
    """Make a contact. Raises `InvalidInput`. Commits."""
    contact = Contact(account_id=account.id)
    _fill(contact, draft)
    db.session.add(contact)
    _save(contact, draft, "contact.created", actor, before=None)
    return contact


def update_contact(
    account: Account, contact_id: int, draft: ContactDraft, *, actor: User | None
) -> Contact:
    """Change a contact; its attributes stay. Raises `NotFound` and `InvalidInput`. Commits."""
    contact = get_contact(account.id, contact_id)
    before = told_columns(contact)
    _fill(contact, draft)
    _save(contact, draft, "contact.updated", actor, before=before)
    return contact


def set_blocked(account: Account, contact_id: int, blocked: bool, *, actor: User | None) -> Contact:
    """Block a contact, so that no campaign reaches it, or unblock it.

    Raises `NotFound`. Commits.
    """
    contact = get_contact(account.id, contact_id)
    before = told_columns(contact)
    contact.blocked = blocked
    _tell(contact, before)
    record("contact.blocked" if blocked else "contact.unblocked", actor, contact)
    db.session.commit()
    return contact


def delete_contact(account: Account, contact_id: int, *, actor: User | None) -> None:
    """Delete a contact; conversations with it stay, without it. Raises `NotFound`. Commits."""
    contact = get_contact(account.id, contact_id)
    record("contact.deleted", actor, contact, before={"name": contact.name})
    db.session.execute(delete(Contact).where(Contact.id == contact.id))
    db.session.commit()


def get_contact(account_id: int, contact_id: int) -> Contact:
    """The account's contact with that id. Raises `NotFound`."""
    found = select(Contact).where(Contact.account_id == account_id, Contact.id == contact_id)
    contact = db.session.scalar(found)
    if contact is None:
        raise NotFound(f"no contact {contact_id} in account {account_id}")
    return contact


def _fill(contact: Contact, draft: ContactDraft) -> None:
    """Give `contact` the values of `draft`, checked. Raises `InvalidInput`."""
    checked = _Checked()
    values = {
        "name": checked.read("name", draft.name, _short),
        "email": checked.read("email", draft.email, normalise_email),
        "phone_number": checked.read("phone_number", draft.phone_number, normalise_phone_number),
        "identifier": checked.read("identifier", draft.identifier, _short),
    }
    errors = checked.errors
    if not errors and not any(values[key] for key in KEYS):
        errors.append(FieldError("phone_number", _("CONTACTS.ERRORS.NO_KEY")))
    if not draft.label_ids <= set(ids_by_title(db.session(), contact.account_id).values()):
        errors.append(FieldError("label_ids", _("CONTACTS.ERRORS.LABELS")))
    taken = [key for key in KEYS if values[key] and _is_taken(contact, key, values[key])]
    errors += [FieldError(key, _("CONTACTS.ERRORS.TAKEN")) for key in taken]
    if errors:
        raise InvalidInput(errors)
    contact.name = values["name"] or ""
    contact.email, contact.phone_number = values["email"], values["phone_number"]
    contact.identifier, contact.blocked = values["identifier"], draft.blocked


class _Checked:
    """Values read one after another, and what is wrong with them."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def read(self, field: str, text: str, read: Callable[[str], str]) -> str | None:
        """What `read` makes of `text`; None for a blank or a wrong one."""
        text = text.strip()
        if not text:
            return None
        try:
            if not is_storable(text):
                raise ValueError(_("CONTACTS.ERRORS.CHARACTERS"))
            return read(text)
        except ValueError as error:
            self.errors.append(FieldError(field, str(error)))
            return None


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(_("CONTACTS.ERRORS.TOO_LONG", most=LONGEST_TEXT))
    return text


def _is_taken(contact: Contact, key: str, value: str | None) -> bool:
    other = select(Contact.id).where(
        Contact.account_id == contact.account_id, getattr(Contact, key) == value
    )
    return db.session.scalar(other) not in (None, contact.id)


def _save(
    contact: Contact,
    draft: ContactDraft,
    action: str,
    actor: User | None,
    *,
    before: Mapping[str, Any] | None,
) -> None:
    """Write the contact and its labels. Raises `InvalidInput` when a key was taken meanwhile.
    Commits."""
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        taken = FieldError("phone_number", _("CONTACTS.ERRORS.OVERTAKEN"))
        raise InvalidInput([taken]) from error
    db.session.execute(delete(ContactLabel).where(ContactLabel.contact_id == contact.id))
    db.session.add_all(
        ContactLabel(account_id=contact.account_id, contact_id=contact.id, label_id=label_id)
        for label_id in sorted(draft.label_ids)
    )
    _tell(contact, before)
    record(action, actor, contact, after={"name": contact.name})
    db.session.commit()


def _tell(contact: Contact, before: Mapping[str, Any] | None) -> None:
    """Let those know who connected: the contact is new, or had the values `before`."""
    change = ContactChange(told_columns(contact), before=before)
    tell_of_contacts(db.session(), contact.account_id, lambda: [change], utcnow())
