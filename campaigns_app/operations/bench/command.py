"""`campaigns bench`."""

import json
import os
import platform
import secrets
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from flask_migrate import upgrade
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from campaigns_app import create_app
from campaigns_app.extensions import db
from campaigns_app.operations.bench.cases import FULL, QUICK, BenchRow, run_cases
from campaigns_app.operations.embedded import EmbeddedRedis


@click.command("bench")
@click.option("--database", help="An empty database to use: postgresql://… (default: SQLite).")
@click.option("--quick", is_flag=True, help="Smaller sizes, for a first look.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench_command(database: str | None, quick: bool, as_json: bool) -> None:
    """Measure the engine against the specification's own algorithm.

    Uses a database of its own, or the empty one that is named, and leaves what it wrote in the
    latter. Exit status 0 when every bar is met, 1 otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="campaigns-bench-") as name:
        folder = Path(name)
        store = EmbeddedRedis(folder / "queue")
        store.start()
        try:
            environ = _environ(folder, database, store.url)
            _prepare(environ)
            rows = list(run_cases(environ, folder, QUICK if quick else FULL))
        finally:
            store.stop()
    machine = _machine(environ["DATABASE_URL"])
    if as_json:
        click.echo(json.dumps({"machine": machine, "rows": [_as_dict(row) for row in rows]}))
    else:
        _print_table(machine, rows)
    sys.exit(0 if all(row.holds for row in rows) else 1)


def _environ(folder: Path, database: str | None, redis_url: str) -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": database or f"sqlite:///{folder / 'bench.sqlite3'}",
        "REDIS_URL": redis_url,
    }


def _prepare(environ: dict[str, str]) -> None:
    app = create_app(environ)
    with app.app_context():
        upgrade()
        db.engine.dispose()


def _machine(database_url: str) -> dict[str, Any]:
    backend = make_url(database_url.replace("postgres://", "postgresql://")).get_backend_name()
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "database": backend if backend != "sqlite" else f"SQLite {sqlite3.sqlite_version}",
    }


def _as_dict(row: BenchRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "value": round(row.value, 1),
        "unit": row.unit,
        "against": row.against,
        "ratio": round(row.ratio, 2),
        "bar": row.bar,
        "holds": row.holds,
    }


def _print_table(machine: dict[str, Any], rows: list[BenchRow]) -> None:
    table = Table(title=", ".join(f"{name} {value}" for name, value in machine.items()))
    for heading in ("name", "value", "against", "ratio", "bar", "holds"):
        table.add_column(heading)
    for row in rows:
        bound = "at most" if row.is_ceiling else "at least"
        table.add_row(
            row.name,
            f"{row.value:,.0f} {row.unit}",
            row.against,
            f"{row.ratio:.2f}",
            f"{bound} {row.bar}",
            "yes" if row.holds else "NO",
        )
    Console().print(table)
