"""`campaigns import-contacts`: a CSV file, from the command line."""

from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.importing import ImportReport, import_contacts
from campaigns_app.errors import InvalidInput
from campaigns_app.extensions import db

SHOWN_REJECTIONS = 20
SOME_REJECTED = 1


@click.command("import-contacts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", "account_name", help="Name of the account, where there are several.")
@click.option("--create-labels", is_flag=True, help="Create labels that do not exist.")
@click.option(
    "--default-region",
    metavar="XX",
    help="Region (GB, BR, ...) in which phone numbers without a plus sign are dialled.",
)
@with_appcontext
def import_contacts_command(
    file: Path, account_name: str | None, create_labels: bool, default_region: str | None
) -> None:
    """Import contacts from a CSV FILE and say what became of its rows.

    Exit status: 0 when every row was imported, 1 when some were rejected (the others are
    imported), 2 when nothing could be imported.
    """
    account_id = _find_account(account_name)
    with file.open("rb") as source:
        try:
            report = _import_with_progress(
                account_id,
                source,
                file,
                create_labels=create_labels,
                default_region=default_region,
            )
        except InvalidInput as error:
            raise click.UsageError(f"{file}: {error}") from error
    _print_report(report)
    if report.rejected_count:
        raise SystemExit(SOME_REJECTED)


def _find_account(name: str | None) -> int:
    """The id of the account called `name`, or of the only one. Raises `click.UsageError`."""
    accounts = db.session.execute(select(Account.id, Account.name).order_by(Account.id)).all()
    matching = [one for one in accounts if name in (None, one.name)]
    names = ", ".join(one.name for one in accounts)
    if not accounts:
        raise click.UsageError("There is no account yet: run `campaigns create-admin` first.")
    if not matching:
        raise click.UsageError(f"There is no account called {name}; there is {names}.")
    if len(matching) > 1:
        raise click.UsageError(f"There are several accounts: name one with --account ({names}).")
    account_id: int = matching[0].id
    return account_id


def _import_with_progress(
    account_id: int,
    source: BinaryIO,
    file: Path,
    *,
    create_labels: bool,
    default_region: str | None,
) -> ImportReport:
    """Import while a bar on the standard error shows how much of the file was read."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Importing {file.name}", total=file.stat().st_size)
        return import_contacts(
            account_id,
            source,
            default_region=default_region,
            create_labels=create_labels,
            progress=lambda _: bar.update(task, completed=source.tell()),
        )


def _print_report(report: ImportReport) -> None:
    click.echo(
        f"{report.rows} rows: {report.created} created, {report.updated} updated, "
        f"{report.unchanged} unchanged, {report.rejected_count} rejected. "
        f"{report.blank} blank lines. {report.labels_created} labels created."
    )
    if not report.rejected:
        return
    table = Table("line", "column", "reason", "value", box=None, pad_edge=False)
    for error in report.rejected[:SHOWN_REJECTIONS]:
        # As Text, because a cell may look like the library's own markup.
        table.add_row(str(error.line), Text(error.column), Text(error.reason), Text(error.value))
    Console().print(table)
    if report.rejected_count > SHOWN_REJECTIONS:
        click.echo(f"... and {report.rejected_count - SHOWN_REJECTIONS} more.")
