"""What the database is asked while something happens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from campaigns_app.extensions import db

CountQueries = Callable[[Callable[[], Any]], int]


@contextmanager
def noted_statements(engine: Engine | None = None) -> Iterator[list[str]]:
    """The statements that the database gets meanwhile, as text; the application's, if none other
    is named."""
    engine = engine or db.engine
    statements: list[str] = []

    def note(*call: Any) -> None:
        statements.append(call[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
