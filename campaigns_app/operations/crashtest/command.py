"""`campaigns crashtest`."""

import json
import secrets
import sys
from pathlib import Path

import click
from rich.console import Console

from campaigns_app.operations.crashtest.report import print_report
from campaigns_app.operations.crashtest.run import Interrupted, Options, run_crashtest
from campaigns_app.operations.simulator.process import LINES

MOST_SEEDS = 1_000_000


@click.command("crashtest")
@click.option("--faults", type=click.IntRange(0, 1000), default=20, show_default=True)
@click.option(
    "--contacts",
    type=click.IntRange(10, 100_000),
    default=1000,
    show_default=True,
    help="Contacts in the audience of each campaign.",
)
@click.option(
    "--channel",
    type=click.Choice(("api", *LINES)),
    default="api",
    show_default=True,
    help="What campaigns go through: conversations, or a provider, played by the simulator.",
)
@click.option("--seed", type=int, help="Repeat the faults of an earlier run.  [default: any]")
@click.option(
    "--database", help="An empty database to use: postgresql://… (default: a SQLite of its own)."
)
@click.option("--postgres", is_flag=True, help="Start a PostgreSQL of its own; it fails, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep what the processes log in this file.",
)
def crashtest_command(
    faults: int,
    contacts: int,
    channel: str,
    seed: int | None,
    database: str | None,
    postgres: bool,
    as_json: bool,
    log: Path | None,
) -> None:
    """Kill, stop and restart everything in the middle of campaigns, then count what came of it.

    Real web, workers, sweep, queue and database, on this machine only, in a folder that is removed
    afterwards. Exit status 0 only if every promise held.
    """
    if postgres and database:
        raise click.UsageError("--postgres starts a database of its own: leave out --database.")
    if seed is None:
        seed = secrets.randbelow(MOST_SEEDS)
    options = Options(faults, contacts, seed, database, postgres, log, LINES.get(channel))
    click.echo(f"seed {seed}", err=True)
    try:
        report = run_crashtest(options, lambda line: click.echo(line, err=True))
    except Interrupted:
        raise click.Abort from None
    if as_json:
        click.echo(json.dumps(report.as_dict()))
    else:
        print_report(report, Console())
    sys.exit(0 if report.held else 1)
