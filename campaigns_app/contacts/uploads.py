"""Uploaded files: imported at once, with a lasting account of what became of them."""

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from typing import BinaryIO

from sqlalchemy import select

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.contacts.importing import import_contacts
from campaigns_app.contacts.models import LONGEST_TEXT, ContactImport
from campaigns_app.contacts.rows import excerpt
from campaigns_app.errors import NotFound
from campaigns_app.extensions import db

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\x00")
REJECTED_COLUMNS = ("line", "column", "reason", "value")


def import_upload(
    account: Account,
    source: BinaryIO,
    file_name: str,
    *,
    default_region: str | None,
    create_labels: bool,
    actor: User | None,
) -> ContactImport:
    """Import a file, and keep what became of it. Raises `InvalidInput`, then nothing is imported.

    Commits block by block, and at the end.
    """
    account_id = account.id
    report = import_contacts(
        account_id, source, default_region=default_region, create_labels=create_labels
    )
    done = ContactImport(
        account_id=account_id,
        created_by_id=actor.id if actor else None,
        file_name=excerpt(file_name)[:LONGEST_TEXT],
        row_count=report.rows,
        created_count=report.created,
        updated_count=report.updated,
        unchanged_count=report.unchanged,
        rejected_count=report.rejected_count,
        blank_count=report.blank,
        labels_created_count=report.labels_created,
        rejected=[asdict(error) for error in report.rejected],
    )
    db.session.add(done)
    counts = {"created": report.created, "updated": report.updated}
    record("contacts.imported", actor, done, after={"file_name": done.file_name, **counts})
    db.session.commit()
    return done


def get_upload(account_id: int, import_id: int) -> ContactImport:
    """The account's import with that id. Raises `NotFound`."""
    found = select(ContactImport).where(
        ContactImport.account_id == account_id, ContactImport.id == import_id
    )
    done = db.session.scalar(found)
    if done is None:
        raise NotFound(f"no import {import_id} in account {account_id}")
    return done


def rejected_rows_csv(done: ContactImport) -> Iterator[str]:
    """The rejected rows of an import as CSV, line by line, safe to open in a spreadsheet.

    The mark in front tells spreadsheets that it is UTF-8.
    """
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(REJECTED_COLUMNS)
    yield "\ufeff" + line.getvalue()
    for error in done.rejected:
        line.seek(0)
        line.truncate()
        writer.writerow([without_formula(str(error[column])) for column in REJECTED_COLUMNS])
        yield line.getvalue()


def without_formula(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula (OWASP ASVS 5.0, 1.2.10)."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
