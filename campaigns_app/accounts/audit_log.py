"""What the audit log tells: who did what to which thing, and where that is to be seen.

It is read from its newest end, in pages that begin where the one before ended, and never counted.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, literal, select, union_all

from campaigns_app.accounts.models import AuditEntry, Membership, User
from campaigns_app.database.types import Base
from campaigns_app.extensions import db

PAGE_SIZE = 25
NAMING_KEYS = ("title", "name", "url", "address", "file_name", "event", "email")
"""What an entry says of its subject that names it, for when the subject is no longer there."""


@dataclass(frozen=True, slots=True)
class Place:
    """The page of a kind of thing: its endpoint, which column of the thing each of the endpoint's
    arguments is, and the columns of which the first that is not blank names the thing."""

    endpoint: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    titles: Sequence[str] = ()


PLACES = {
    "Campaign": Place("campaigns.show", {"display_id": "display_id"}, ["title"]),
    "Contact": Place(
        "contacts.edit", {"contact_id": "id"}, ["name", "email", "phone_number", "identifier"]
    ),
    "ContactImport": Place("contacts.imported", {"import_id": "id"}, ["file_name"]),
    "Label": Place("labels.edit", {"label_id": "id"}, ["title"]),
    "Suppression": Place("suppressions.index", {"search": "address"}, ["address"]),
    "Inbox": Place("inboxes.edit", {"inbox_id": "id"}, ["name"]),
    "WebhookEndpoint": Place("webhooks.show", {"endpoint_id": "id"}, ["name", "url"]),
    "WebhookDelivery": Place(
        "webhooks.log.delivery", {"endpoint_id": "endpoint_id", "delivery_id": "id"}
    ),
}
"""Where things are to be seen, by the name of their model."""

MOST_ARGUMENTS = max(len(place.arguments) for place in PLACES.values())


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted: what a person did, of one kind, older than the id `before`."""

    user_id: int | None = None
    action: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that is there still: what it is called now, and the page on which it is."""

    title: str
    endpoint: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an entry tells besides, as text; None where it does not say how that was
    before, or is now."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An entry, the name of whoever it was (None: the app by itself), and the thing if it exists.

    `title` names the thing in any case, as far as that is known.
    """

    entry: AuditEntry
    person: str | None
    subject: Subject | None
    title: str
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of the log, newest first. `next_before` begins the next, if there is one."""

    lines: Sequence[AuditLine]
    next_before: int | None


def read_audit_log(account_id: int, wanted: AuditFilter, size: int = PAGE_SIZE) -> AuditPage:
    """A page of the account's log. Two queries."""
    rows = db.session.execute(_wanted_entries(account_id, wanted).limit(size + 1)).all()
    entries = [entry for entry, _ in rows[:size]]
    subjects = _find_subjects(account_id, entries)
    lines = [
        _line(entry, person, subjects.get((entry.subject_type, entry.subject_id)))
        for entry, person in rows[:size]
    ]
    return AuditPage(lines, entries[-1].id if len(rows) > size else None)


def list_people(account_id: int) -> Mapping[int, str]:
    """The names of the account's members by id, in alphabetical order. One query."""
    rows = db.session.execute(
        select(User.id, User.name)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.account_id == account_id)
        .order_by(User.name, User.id)
    )
    return {row.id: row.name for row in rows}


def _wanted_entries(account_id: int, wanted: AuditFilter) -> Select[AuditEntry, str]:
    found = (
        select(AuditEntry, User.name)
        .outerjoin(User, User.id == AuditEntry.user_id)
        .where(AuditEntry.account_id == account_id)
        .order_by(AuditEntry.id.desc())
    )
    if wanted.user_id is not None:
        found = found.where(AuditEntry.user_id == wanted.user_id)
    if wanted.action is not None:
        found = found.where(AuditEntry.action == wanted.action)
    if wanted.before is not None:
        found = found.where(AuditEntry.id < wanted.before)
    return found


def _find_subjects(
    account_id: int, entries: Iterable[AuditEntry]
) -> dict[tuple[str | None, int | None], Subject]:
    """Those of the entries' subjects that are still there. One query, of whatever kinds they are;
    accounts know nothing of the features above them but the names."""
    wanted: dict[str, set[int]] = {kind: set() for kind in PLACES}
    for entry in entries:
        if entry.subject_type in wanted and entry.subject_id is not None:
            wanted[entry.subject_type].add(entry.subject_id)
    models = {mapper.class_.__name__: mapper.class_ for mapper in Base.registry.mappers}
    rows = db.session.execute(
        union_all(*(_of_kind(kind, models[kind], account_id, wanted[kind]) for kind in PLACES))
    )
    return {(row.kind, row.id): _subject(PLACES[row.kind], row) for row in rows}


def _of_kind(kind: str, model: Any, account_id: int, ids: set[int]) -> Select[Any]:
    place = PLACES[kind]
    values: list[ColumnElement[str]] = [
        cast(getattr(model, column), String) for column in place.arguments.values()
    ]
    nothing = literal("")
    values += [nothing] * (MOST_ARGUMENTS - len(values))
    titles = [func.nullif(getattr(model, column), "") for column in place.titles]
    return select(
        literal(kind).label("kind"),
        model.id.label("id"),
        (func.coalesce(*titles, nothing) if titles else nothing).label("title"),
        *(value.label(f"argument_{number}") for number, value in enumerate(values)),
    ).where(model.account_id == account_id, model.id.in_(ids))


def _subject(place: Place, row: Any) -> Subject:
    values = (getattr(row, f"argument_{number}") for number in range(MOST_ARGUMENTS))
    arguments = dict(zip(place.arguments, values, strict=False))
    return Subject(row.title, place.endpoint, arguments)


def _line(entry: AuditEntry, person: str | None, subject: Subject | None) -> AuditLine:
    before, after = entry.before or {}, entry.after or {}
    said = next(
        (str(told[key]) for key in NAMING_KEYS for told in (after, before) if told.get(key)), ""
    )
    title = (subject.title if subject else "") or said
    return AuditLine(entry, person, subject, title, _changes(before, after, title))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], title: str) -> list[Change]:
    """What the entry tells, without what stayed as it was and what the title says already; which
    row of another table it was about is told in any case."""
    changes = []
    for name in {**before, **after}:
        told = Change(name, _words(before, name), _words(after, name))
        if told.before == told.after:
            told = Change(name, None, told.after)
            if not name.endswith("_id"):
                continue
        if {told.before, told.after} != {None, title}:
            changes.append(told)
    return changes


def _words(told: Mapping[str, Any], name: str) -> str | None:
    """A value as text; None where there is none, «–» where it is that there is none."""
    return _text(told[name]) if name in told else None


def _text(value: Any) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    return json.dumps(value)
