"""How connections are opened: SQLite made safe for several processes, PostgreSQL waited for beside
an event loop where there is one."""

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from select import POLLIN, poll
from typing import Any

import orjson
from flask import has_request_context, request
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError

from campaigns_app.database.beside import PatientConnection
from campaigns_app.errors import ConfigError

OLDEST_SQLITE = (3, 35, 0)
BUSY_TIMEOUT_SECONDS = 15
CHECKPOINT_PAGES = 10_000
"""About 40 MB of log before it is worked into the file. With SQLite's usual 4 MB a campaign writes
the same pages of its indexes again and again, and takes a third longer."""

READS_ONLY = "reads_only"
"""The execution option of a connection whose transaction writes nothing."""

LONG_NUMBER = re.compile(rb"\d{19}")

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def engine_options(database_url: str) -> dict[str, Any]:
    """Keyword arguments for `create_engine`.

    Raises `ConfigError` where Python's SQLite is too old for the statements used here.
    """
    if make_url(database_url).get_backend_name() != "sqlite":
        return {
            "pool_size": 10,
            "max_overflow": 10,
            "json_deserializer": read_json,
        }
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigError(
            f"This Python has SQLite {sqlite3.sqlite_version}; 3.35 or newer is needed. "
            "Use a newer Python, or set DATABASE_URL to a PostgreSQL database."
        )
    return {"connect_args": {"timeout": BUSY_TIMEOUT_SECONDS}, "json_deserializer": read_json}


def read_json(text: str | bytes) -> Any:
    """The value of a JSON column: SQLite's driver gives it as text, PostgreSQL's as bytes."""
    text = text.encode() if isinstance(text, str) else text
    # orjson is quick, and makes an inexact number of a whole one that has more than 64 bits.
    return json.loads(text) if LONG_NUMBER.search(text) else orjson.loads(text)


def prepare_engine(engine: Engine) -> None:
    """Attach what the engine needs."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    else:
        event.listen(engine, "do_connect", _connect_patiently)
        event.listen(engine, "checkout", _refuse_the_dead)


def _connect_patiently(
    dialect: object, record: object, arguments: Sequence[Any], named: Mapping[str, Any]
) -> PatientConnection:
    return PatientConnection.connect(*arguments, **named)


def _refuse_the_dead(connection: PatientConnection, *others: object) -> None:
    """Have the pool open new connections where the server has ended this one: to one that asks
    nothing it says nothing else. To ask it each time would be a trip more for every transaction."""
    heard = poll()
    if not connection.closed:
        heard.register(connection.fileno(), POLLIN)
    if connection.closed or heard.poll(0):
        raise InvalidatePoolError("The server has ended the connection")


def _set_pragmas(connection: sqlite3.Connection, record: object) -> None:
    # None switches off the driver's own guesses about transactions: `_begin` says when.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Start a transaction; one that may write takes the write lock at once.

    A transaction that reads first and writes later fails on the spot when somebody else wrote in
    between, whatever the busy timeout. Pages that are merely read, and whoever says so, do without
    the lock.
    """
    asked = connection.get_execution_options().get(READS_ONLY)
    reads_only = has_request_context() and request.method in READING_METHODS
    if asked is not None:
        reads_only = bool(asked)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
