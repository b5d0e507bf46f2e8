"""`campaigns bench`."""

import json
import signal
import sys
from contextlib import ExitStack

import click
from rich.console import Console

from campaigns_app.extensions import db
from campaigns_app.operations.bench.case import Size
from campaigns_app.operations.bench.machine import describe_machine
from campaigns_app.operations.bench.registry import CASES, choose
from campaigns_app.operations.bench.run import prepared_bench, run_cases
from campaigns_app.operations.bench.telling import as_object, as_table
from campaigns_app.operations.local_postgres import LocalPostgres


@click.command("bench")
@click.option(
    "--only",
    type=click.Choice(list(CASES)),
    multiple=True,
    help="A row to measure; give it again for more.  [default: all]",
)
@click.option("--quick", is_flag=True, help="Smaller sizes: all rows within two minutes.")
@click.option("--database", help="An empty database to use, postgresql://…  [default: SQLite]")
@click.option("--postgres", is_flag=True, help="Use a PostgreSQL started for the purpose.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench_command(
    only: tuple[str, ...], quick: bool, database: str | None, postgres: bool, as_json: bool
) -> None:
    """Measure the engine against what it stands on.

    Uses a database of its own, or the empty one that is named, and leaves that empty. Exit status
    0 when every bar is met, 1 otherwise.
    """
    if database and postgres:
        raise click.UsageError("--database and --postgres exclude each other.")
    size = Size.QUICK if quick else Size.FULL
    console = Console(stderr=True)
    with ExitStack() as stack:
        # As Ctrl-C does, so that nothing is left running.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        stack.callback(signal.signal, signal.SIGTERM, before)
        if postgres:
            database = stack.enter_context(LocalPostgres()).create_database()
        bench = stack.enter_context(prepared_bench(database, size))
        names = choose(only, db.engine.dialect.name)
        machine = describe_machine(size)
        rows = []
        with console.status("Measuring"):
            for row in run_cases(bench, names):
                rows.append(row)
                console.print(f"{row.name}: {row.ratio:.2f}")
    if as_json:
        click.echo(json.dumps(as_object(machine, rows)))
    else:
        Console().print(as_table(machine, rows))
    sys.exit(1 if any(row.holds is False for row in rows) else 0)
