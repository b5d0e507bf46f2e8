"""Several statements in one trip to the server, which takes as long as the work on a dozen rows."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from psycopg import Pipeline
from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from campaigns_app.database.driver_errors import driver_errors

Rows = Sequence[Sequence[Any]]


class Step(NamedTuple):
    """A statement that was built once, and its parameters' values, as PostgreSQL's driver takes
    them. SQLite may be given many of them, for as many rows."""

    statement: Executable
    values: Mapping[str, Any] | Sequence[Mapping[str, Any]]


def in_one_trip(session: Session, steps: Sequence[Step]) -> list[Rows]:
    """Carry out the steps, one after another; returns the rows that each returned.

    Raises the driver's errors as SQLAlchemy's. Does not commit.
    """
    connection = session.connection()
    if connection.dialect.name != "postgresql" or not Pipeline.is_supported():
        return [_carry_out(connection, step) for step in steps]
    driver: Any = connection.connection.driver_connection
    with driver_errors(connection, "several statements at once"), driver.pipeline():
        cursors = [driver.execute(*_sent(connection.dialect, step)) for step in steps]
    return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


def _carry_out(connection: Connection, step: Step) -> Rows:
    result = connection.execute(*step)
    return result.all() if result.returns_rows else []


def _sent(dialect: Dialect, step: Step) -> tuple[str, Mapping[str, Any]]:
    text, fixed = _compiled(dialect, step.statement)
    return text, {**fixed, **cast(Mapping[str, Any], step.values)}


@cache
def _compiled(dialect: Dialect, statement: ClauseElement) -> tuple[str, Mapping[str, Any]]:
    """As text, with the values of the parameters that are part of it."""
    compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
    rendered = compiled.construct_expanded_state(compiled.params)
    return rendered.statement, rendered.parameters
