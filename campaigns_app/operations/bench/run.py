"""Running the benchmark: its stores, and its cases one after another, each in an empty database."""

import logging
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flask_migrate import upgrade

from campaigns_app import create_app
from campaigns_app.extensions import db
from campaigns_app.operations.bench.case import Bench, BenchRow, Size
from campaigns_app.operations.bench.measuring import Processes
from campaigns_app.operations.bench.registry import CASES
from campaigns_app.operations.bench.slate import require_empty, wipe_all
from campaigns_app.operations.embedded import EmbeddedRedis


@contextmanager
def prepared_bench(database: str | None, size: Size) -> Iterator[Bench]:
    """What to measure with, in the empty database at the address `database`, or one of our own on
    SQLite; it is migrated, and empty again afterwards.

    Raises `CannotStart`.
    """
    with tempfile.TemporaryDirectory(prefix="campaigns-bench-") as name:
        folder = Path(name)
        store = EmbeddedRedis(folder / "queue")
        store.start()
        try:
            environ = {
                "SECRET_KEY": secrets.token_urlsafe(48),
                "DATABASE_URL": database or f"sqlite:///{folder / 'bench.sqlite3'}",
                "REDIS_URL": store.url,
                "COOKIE_SECURE": "false",
                "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.1/32",
            }
            with _open_database(environ):
                yield Bench(Processes(environ, folder / "bench.log"), size)
        finally:
            store.stop()


def run_cases(bench: Bench, names: Sequence[str]) -> Iterator[BenchRow]:
    """Measure, and tell each result as soon as it is known. Raises `WorkFailed`."""
    for name in names:
        wipe_all()
        yield CASES[name](bench)


@contextmanager
def _open_database(environ: dict[str, str]) -> Iterator[None]:
    app = create_app(environ)
    # The work is done, and logged, by other processes.
    logging.getLogger().setLevel(logging.WARNING)
    with app.app_context():
        try:
            upgrade()
            require_empty()
            yield
            wipe_all()
        finally:
            db.session.remove()
            db.engine.dispose()
