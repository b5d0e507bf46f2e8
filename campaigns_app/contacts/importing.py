"""CSV files imported as contacts.

Every row is either imported or reported with its line, its column and a reason; blank lines are
only counted. The file is read as a stream, in blocks that are a transaction each, so that other
writers get their turn and memory stays flat. Importing a file twice changes nothing the second
time: an import that was interrupted is simply run again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import BinaryIO

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError, OperationalError

from campaigns_app.contacts.addresses import check_region
from campaigns_app.contacts.labels import check_title, ids_by_title
from campaigns_app.contacts.matching import load_known_contacts
from campaigns_app.contacts.models import Contact, ContactLabel
from campaigns_app.contacts.reading import Record, read_records
from campaigns_app.contacts.rows import ContactRow, RejectedRow, RowError, read_header, read_row
from campaigns_app.contacts.writing import write_drafts
from campaigns_app.database.bulk import refresh_statistics
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db

BLOCK_ROWS = 500
REPORTED_ERRORS = 10_000


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: `rows = created + updated + unchanged + rejected_count`.

    `rejected` has the first 10,000 reasons, in the order of the lines. `blank` lines are no rows.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected_count: int = 0
    blank: int = 0
    labels_created: int = 0
    rejected: tuple[RowError, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.created + self.updated + self.unchanged + self.rejected_count

    def __add__(self, other: "ImportReport") -> "ImportReport":
        return ImportReport(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.rejected_count + other.rejected_count,
            self.blank + other.blank,
            self.labels_created + other.labels_created,
            (self.rejected + other.rejected)[:REPORTED_ERRORS],
        )


def import_contacts(
    account_id: int,
    source: BinaryIO,
    *,
    default_region: str | None = None,
    create_labels: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import the CSV file `source` into the account, and say what became of every row.

    Phone numbers without a plus sign are read as dialled in `default_region` (`GB`), if given.
    A label that does not exist rejects its row, unless `create_labels`. `progress` is told the
    number of rows read so far, after every block.
    Raises `InvalidInput`, and imports nothing, when the header cannot be used or the region is
    unknown. Commits every block; ends the transaction it is called in.
    """
    check_region(default_region)
    # Rows are parsed outside of any transaction: on SQLite this one may hold the write lock.
    db.session.rollback()
    write = partial(_import_rows, account_id, create_labels)
    report = ImportReport()
    with closing(read_records(source)) as records:
        columns = read_header(next((one for one in records if not one.is_blank), None))
        for number, block in enumerate(_blocks(records)):
            if number == 1:
                refresh_statistics(db.session(), Contact, ContactLabel)
                db.session.commit()
            report += _import_block(columns, block, default_region, write)
            if progress:
                progress(report.rows)
    return report


def _blocks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while block := list(islice(records, BLOCK_ROWS)):
        yield block


def _import_block(
    columns: tuple[str, ...],
    block: Sequence[Record],
    default_region: str | None,
    write: Callable[[Sequence[ContactRow]], ImportReport],
) -> ImportReport:
    rows, rejected = [], []
    for record in block:
        if record.is_blank:
            continue
        try:
            rows.append(read_row(columns, record, default_region))
        except RejectedRow as row:
            rejected.append(row.error)
    blank = sum(record.is_blank for record in block)
    written = _write_again_if_overtaken(rows, write)
    unread = ImportReport(blank=blank, rejected_count=len(rejected), rejected=tuple(rejected))
    return _in_order_of_lines(unread + written)


def _write_again_if_overtaken(
    rows: Sequence[ContactRow], write: Callable[[Sequence[ContactRow]], ImportReport]
) -> ImportReport:
    """Write `rows` in one transaction; one by one when somebody else got in between.

    Another writer may have taken a key since we looked. Such a row is looked at anew by itself,
    and rejected only if it happens again.
    """
    try:
        return write(rows)
    except (IntegrityError, OperationalError):
        db.session.rollback()
    report = ImportReport()
    for row in rows:
        try:
            report += write([row])
        except IntegrityError:
            db.session.rollback()
            error = RowError(row.line, "", _("CONTACTS.IMPORT.ROW.OVERTAKEN"))
            report += ImportReport(rejected_count=1, rejected=(error,))
    return report


def _import_rows(account_id: int, create_labels: bool, rows: Sequence[ContactRow]) -> ImportReport:
    """Match `rows` in their order and write what comes of them. Commits."""
    if not rows:
        return ImportReport()
    session = db.session()
    label_ids = ids_by_title(session, account_id)
    known = load_known_contacts(session, account_id, rows)
    became: Counter[str] = Counter()
    rejected = []
    for row in rows:
        try:
            _refuse_labels(row, label_ids, create_labels)
            became[known.take(row)] += 1
        except RejectedRow as error:
            rejected.append(error.error)
    labels_created = write_drafts(session, account_id, known.drafts, label_ids, utcnow())
    session.commit()
    return ImportReport(
        **became,
        labels_created=labels_created,
        rejected_count=len(rejected),
        rejected=tuple(rejected),
    )


def _refuse_labels(row: ContactRow, label_ids: dict[str, int], create_labels: bool) -> None:
    unknown = [title for title in row.labels if title not in label_ids]
    if unknown and not create_labels:
        reason = _("CONTACTS.IMPORT.ROW.UNKNOWN_LABELS", labels=", ".join(unknown))
        raise RejectedRow(row.line, "labels", reason, ", ".join(row.labels))
    for title in unknown:
        try:
            check_title(title)
        except ValueError as error:
            raise RejectedRow(row.line, "labels", str(error), title) from error


def _in_order_of_lines(report: ImportReport) -> ImportReport:
    rejected = sorted(report.rejected, key=lambda error: error.line)
    return replace(report, rejected=tuple(rejected))
