"""Transactions that only read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from campaigns_app.database.engine import READS_ONLY


@contextmanager
def reading(session: Session) -> Iterator[Session]:
    """A transaction that writes nothing and so, on SQLite, keeps nobody from writing.

    It begins a new transaction: end the present one first. It is rolled back at the end, which
    detaches nothing but expires what was loaded.
    """
    session.connection(execution_options={READS_ONLY: True})
    try:
        yield session
    finally:
        session.rollback()


@contextmanager
def snapshot(session: Session) -> Iterator[Session]:
    """`reading`, with every statement seeing the database as it was at the first one.

    SQLite's read transactions are so by themselves.
    """
    options: dict[str, Any] = {READS_ONLY: True}
    if session.get_bind().dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    session.connection(execution_options=options)
    try:
        yield session
    finally:
        session.rollback()
