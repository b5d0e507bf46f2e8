"""Which contact a row of a file means, and what becomes of that contact.

A row means the contact with its identifier, else the one with its e-mail address, else the one
with its phone number. It is rejected when these are different contacts, and when it would
overwrite a stronger key by way of a weaker one: a shared phone number must not turn one person
into another.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import CompoundSelect, select, union
from sqlalchemy.orm import Session

from campaigns_app.contacts.models import KEYS, Contact, ContactLabel, Label
from campaigns_app.contacts.rows import ContactRow, RejectedRow

MERGED = ("custom_attributes", "additional_attributes")
PLAIN = (*KEYS, "name", "blocked")
COLUMNS = (*PLAIN, *MERGED)
OUTSET: dict[str, Any] = {
    **dict.fromkeys(KEYS),
    "name": "",
    "blocked": False,
    "custom_attributes": {},
    "additional_attributes": {},
}


@dataclass(eq=False, slots=True)
class Draft:
    """A contact as it will be once its rows are written; `id` is None for a new one.

    `before` is what its values were before the first of them.
    """

    id: int | None = None
    values: dict[str, Any] = field(default_factory=lambda: dict(OUTSET))
    labels: set[str] = field(default_factory=set)
    new_labels: set[str] = field(default_factory=set)
    is_changed: bool = False
    before: dict[str, Any] | None = None

    def take(self, row: ContactRow) -> bool:
        """Take over what `row` says; returns whether anything is different now.

        An empty cell says nothing, and labels are only ever added.
        """
        before = dict(self.values)
        self.before = self.before or before
        for column in PLAIN:
            given = getattr(row, column)
            if given is not None:
                self.values[column] = given
        for column in MERGED:
            self.values[column] = self.values[column] | getattr(row, column)
        added = set(row.labels) - self.labels
        self.labels |= added
        self.new_labels |= added
        self.is_changed = self.is_changed or self.values != before
        return self.values != before or bool(added)


class KnownContacts:
    """The contacts that the rows of one block may mean, kept up to date row by row."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self._owners: dict[str, dict[str, Draft]] = {key: {} for key in KEYS}

    def take(self, row: ContactRow) -> str:
        """Let the contact that `row` means take it over; returns what that amounts to:
        `created`, `updated` or `unchanged`. Raises `RejectedRow`."""
        draft = self._find(row)
        if draft is None:
            draft = Draft()
            draft.take(row)
            self.add(draft)
            return "created"
        for key in KEYS:
            self._owners[key].pop(draft.values[key], None)
        is_new = draft.take(row)
        self._note_keys(draft)
        return "updated" if is_new else "unchanged"

    def add(self, draft: Draft) -> None:
        """Make `draft` findable by its keys."""
        self.drafts.append(draft)
        self._note_keys(draft)

    def _note_keys(self, draft: Draft) -> None:
        for key in KEYS:
            if draft.values[key]:
                self._owners[key][draft.values[key]] = draft

    def _find(self, row: ContactRow) -> Draft | None:
        """The contact that `row` means, if there is one. Raises `RejectedRow`."""
        matches = [
            (key, owner)
            for key in KEYS
            if (owner := self._owners[key].get(getattr(row, key))) is not None
        ]
        if not matches:
            return None
        matched_by, found = matches[0]
        for key, owner in matches[1:]:
            if owner is not found:
                raise self._conflict(row, key, owner)
        for stronger in KEYS[: KEYS.index(matched_by)]:
            if getattr(row, stronger) and found.values[stronger]:
                raise self._conflict(row, matched_by, found)
        return found

    def _conflict(self, row: ContactRow, key: str, owner: Draft) -> RejectedRow:
        named_by = next(name for name in KEYS if owner.values[name])
        reason = _("CONTACTS.IMPORT.ROW.CONFLICT", key=named_by, value=owner.values[named_by])
        return RejectedRow(row.line, key, reason, getattr(row, key))


def load_known_contacts(
    session: Session, account_id: int, rows: Sequence[ContactRow]
) -> KnownContacts:
    """The account's contacts with a key that occurs in `rows`, locked until the transaction ends.

    Locked in the order of their ids, so that two imports wait for each other in one direction.
    """
    contacts = session.execute(
        select(Contact.id, *(getattr(Contact, column) for column in COLUMNS))
        .where(Contact.id.in_(_meant_by(account_id, rows)))
        .order_by(Contact.id)
        .with_for_update()
    ).all()
    labels: defaultdict[int, set[str]] = defaultdict(set)
    for contact_id, title in session.execute(
        select(ContactLabel.contact_id, Label.title)
        .join(Label, Label.id == ContactLabel.label_id)
        .where(ContactLabel.contact_id.in_([row.id for row in contacts]))
    ):
        labels[contact_id].add(title)
    known = KnownContacts()
    for contact in contacts:
        values = {column: getattr(contact, column) for column in COLUMNS}
        known.add(Draft(contact.id, values, labels[contact.id]))
    return known


def _meant_by(account_id: int, rows: Sequence[ContactRow]) -> CompoundSelect[tuple[int]]:
    """The ids of contacts with a key that occurs in `rows`.

    A union, for SQLite uses no index on the keys when they stand side by side in an OR.
    """
    return union(
        *(
            select(Contact.id).where(
                Contact.account_id == account_id,
                getattr(Contact, key).in_({value for row in rows if (value := getattr(row, key))}),
            )
            for key in KEYS
        )
    )
