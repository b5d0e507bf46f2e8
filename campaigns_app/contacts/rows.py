"""What a row of a contact file says, or why it cannot be taken.

The header names the columns: those of a contact, `labels` (separated by commas inside the cell)
and `blocked`; every other column is a custom attribute. `company_name` and `city` are kept both as
custom and as additional attributes, so that messages and webhooks find them where Chatwoot has
them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from flask_babel import gettext as _

from campaigns_app.contacts.addresses import normalise_email, normalise_phone_number
from campaigns_app.contacts.labels import fold_title
from campaigns_app.contacts.models import KEYS, LONGEST_TEXT
from campaigns_app.contacts.reading import Fault, Record
from campaigns_app.errors import FieldError, InvalidInput

T = TypeVar("T")

FILE_FIELD = "import_file"
OWN_COLUMNS = frozenset({*KEYS, "name", "blocked", "labels"})
ADDITIONAL_COLUMNS = frozenset({"company_name", "city"})
UNREADABLE = re.compile("[\ud800-\udfff]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST_EXCERPT = 80
FLAGS = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was not imported. `line` is where the row begins in the file, `column` the
    header's name or empty when the row as a whole is at fault, `value` the beginning of the cell.
    """

    line: int
    column: str
    reason: str
    value: str = ""


class RejectedRow(Exception):
    """The row cannot be imported; `error` says why."""

    def __init__(self, line: int, column: str, reason: str, value: str = "") -> None:
        self.error = RowError(line, column, reason, excerpt(value))
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One row, checked and normalised. What the row leaves open is None, or is missing."""

    line: int
    identifier: str | None = None
    email: str | None = None
    phone_number: str | None = None
    name: str | None = None
    blocked: bool | None = None
    labels: tuple[str, ...] = ()
    custom_attributes: dict[str, str] = field(default_factory=dict)
    additional_attributes: dict[str, str] = field(default_factory=dict)


def excerpt(value: str) -> str:
    """The beginning of a cell, as something that can be shown anywhere, a terminal included:
    bytes that are not UTF-8 and control characters are spelled out."""
    shown = CONTROL.sub(
        lambda found: found[0].encode("unicode_escape").decode(), value.strip()[:LONGEST_EXCERPT]
    )
    return shown.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def read_header(record: Record | None) -> tuple[str, ...]:
    """The names of the columns: ours in lower case, custom attributes as they are written.

    Raises `InvalidInput` when rows under this header would mean nothing, or two things.
    """
    if record is None:
        raise _unusable(_("CONTACTS.IMPORT.HEADER.EMPTY"))
    if record.fault or any(UNREADABLE.search(c) or "\x00" in c for c in record.cells):
        raise _unusable(_("CONTACTS.IMPORT.HEADER.UNREADABLE"))
    names = tuple(_column_name(cell) for cell in record.cells)
    if not set(KEYS) & set(names):
        raise _unusable(_("CONTACTS.IMPORT.HEADER.NO_KEY", columns=", ".join(KEYS)))
    for place, name in enumerate(names):
        if not name:
            raise _unusable(_("CONTACTS.IMPORT.HEADER.NAMELESS", number=place + 1))
        if name in names[:place]:
            raise _unusable(_("CONTACTS.IMPORT.HEADER.TWICE", column=name))
    return names


def read_row(columns: tuple[str, ...], record: Record, default_region: str | None) -> ContactRow:
    """What `record` says under the header `columns`. Raises `RejectedRow`."""
    cells = _cells(columns, record)
    checked = _Cells(record.line, cells)
    row = ContactRow(
        line=record.line,
        identifier=checked.read("identifier", _short),
        email=checked.read("email", normalise_email),
        phone_number=checked.read(
            "phone_number", lambda text: normalise_phone_number(text, default_region)
        ),
        name=checked.read("name", _short),
        blocked=checked.read("blocked", _flag),
        labels=checked.read("labels", _label_titles) or (),
        custom_attributes={c: text for c, text in cells.items() if text and c not in OWN_COLUMNS},
        additional_attributes={
            c: text for c, text in cells.items() if text and c in ADDITIONAL_COLUMNS
        },
    )
    if not (row.identifier or row.email or row.phone_number):
        raise RejectedRow(record.line, "", _("CONTACTS.IMPORT.ROW.NO_KEY"))
    return row


def _column_name(cell: str) -> str:
    name = cell.strip()
    ours = name.lower().replace(" ", "_")
    return ours if ours in OWN_COLUMNS | ADDITIONAL_COLUMNS else name


def _unusable(message: str) -> InvalidInput:
    return InvalidInput([FieldError(FILE_FIELD, message)])


def _cells(columns: tuple[str, ...], record: Record) -> dict[str, str]:
    """The trimmed cells by their columns. Raises `RejectedRow` where they cannot be told."""
    line, cells = record.line, record.cells
    if record.fault is Fault.TOO_LONG:
        raise RejectedRow(line, "", _("CONTACTS.IMPORT.ROW.TOO_LONG"), cells[0])
    if record.fault:
        raise RejectedRow(line, "", _("CONTACTS.IMPORT.ROW.MALFORMED"), cells[0])
    if len(cells) != len(columns):
        reason = _("CONTACTS.IMPORT.ROW.COLUMNS", expected=len(columns), found=len(cells))
        raise RejectedRow(line, "", reason, ",".join(cells))
    for column, cell in zip(columns, cells, strict=True):
        if UNREADABLE.search(cell):
            raise RejectedRow(line, column, _("CONTACTS.IMPORT.ROW.NOT_UTF8"), cell)
        if "\x00" in cell:
            raise RejectedRow(line, column, _("CONTACTS.IMPORT.ROW.NUL"), cell)
    trimmed = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    if not any(trimmed.values()):
        raise RejectedRow(line, "", _("CONTACTS.IMPORT.ROW.EMPTY"))
    return trimmed


class _Cells:
    """The cells of one row, read one by one; the first that is wrong rejects the row."""

    def __init__(self, line: int, cells: dict[str, str]) -> None:
        self._line = line
        self._cells = cells

    def read(self, column: str, read: Callable[[str], T]) -> T | None:
        """What `read` makes of the cell; None for an empty or missing one."""
        text = self._cells.get(column)
        if not text:
            return None
        try:
            return read(text)
        except ValueError as error:
            raise RejectedRow(self._line, column, str(error), text) from error


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(_("CONTACTS.ERRORS.TOO_LONG", most=LONGEST_TEXT))
    return text


def _flag(text: str) -> bool:
    if text.lower() not in FLAGS:
        raise ValueError(_("CONTACTS.ERRORS.FLAG"))
    return FLAGS[text.lower()]


def _label_titles(text: str) -> tuple[str, ...]:
    titles = (fold_title(part) for part in text.split(","))
    return tuple(dict.fromkeys(title for title in titles if title))
