"""Many contacts written at once."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm import Session

from campaigns_app.contacts.matching import COLUMNS, MERGED, Draft
from campaigns_app.contacts.models import Contact, ContactLabel, Label
from campaigns_app.contacts.signals import ContactChange, tell_of_contacts
from campaigns_app.database.bulk import insert_rows, reserve_ids


def write_drafts(
    session: Session,
    account_id: int,
    drafts: Sequence[Draft],
    label_ids: dict[str, int],
    now: datetime,
) -> int:
    """Write contacts and their labels; returns how many labels had to be created.

    `label_ids` are the account's labels by title. Does not commit.
    """
    # Changed contacts come before new ones, which may have taken over a key the former gave up.
    changed = [draft for draft in drafts if draft.id is not None and draft.is_changed]
    new = [draft for draft in drafts if draft.id is None]
    _update_contacts(session, changed, now)
    _insert_contacts(session, account_id, new, now)
    tell_of_contacts(session, account_id, lambda: _changes(new, changed), now)
    missing = {title for draft in drafts for title in draft.new_labels} - label_ids.keys()
    labels = [Label(account_id=account_id, title=title) for title in sorted(missing)]
    session.add_all(labels)
    session.flush()
    ids = label_ids | {label.title: label.id for label in labels}
    links = [(account_id, draft.id, ids[title]) for draft in drafts for title in draft.new_labels]
    insert_rows(session, ContactLabel, ("account_id", "contact_id", "label_id"), links)
    return len(labels)


def _update_contacts(session: Session, drafts: Sequence[Draft], now: datetime) -> None:
    if not drafts:
        return
    table = cast(Table, Contact.__table__)
    written = (*COLUMNS, "updated_at")
    statement = (
        update(table)
        .where(table.c.id == bindparam("contact_id"))
        .values({column: bindparam(column) for column in written})
    )
    session.execute(
        statement, [{**draft.values, "updated_at": now, "contact_id": draft.id} for draft in drafts]
    )


def _insert_contacts(
    session: Session, account_id: int, drafts: Sequence[Draft], now: datetime
) -> None:
    """Insert new contacts; each draft gets its id."""
    for draft, contact_id in zip(drafts, reserve_ids(session, Contact, len(drafts)), strict=True):
        draft.id = contact_id
    rows = [
        (draft.id, account_id, now, now, *(_stored(draft, column) for column in COLUMNS))
        for draft in drafts
    ]
    columns = ("id", "account_id", "created_at", "updated_at", *COLUMNS)
    insert_rows(session, Contact, columns, rows)


def _changes(new: Sequence[Draft], changed: Sequence[Draft]) -> list[ContactChange]:
    made = [ContactChange({"id": draft.id, **draft.values}) for draft in new]
    return made + [
        ContactChange({"id": draft.id, **draft.values}, before=draft.before) for draft in changed
    ]


def _stored(draft: Draft, column: str) -> object:
    value = draft.values[column]
    return json.dumps(value) if column in MERGED else value
