"""Writing many rows at once, and numbering them beforehand.

The only file with two ways to do one thing: PostgreSQL takes rows fastest through COPY, SQLite
through one prepared statement. Both need ids known before the rows are written, because rows of
several tables refer to each other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, cast

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from campaigns_app.database.copy_text import Row, copy_text
from campaigns_app.database.driver_errors import driver_errors
from campaigns_app.database.types import Base, UTCDateTime

ROWS_A_STEP = 50
"""Times a dozen columns, that is well below the 999 values that any SQLite takes at once."""


def reserve_ids(session: Session, model: type[Base], count: int) -> Sequence[int]:
    """`count` ids for new rows of `model` that nobody else will get, ascending.

    On SQLite they are safe only inside the present transaction, which holds the write lock.
    Does not commit.
    """
    if count == 0:
        return range(0)
    if session.connection().dialect.name == "postgresql":
        sequence = f"{model.__tablename__}_id_seq"
        statement = text(
            "SELECT array_agg(nextval(CAST(:name AS regclass))) FROM generate_series(1, :count)"
        )
        return sorted(session.scalar(statement, {"name": sequence, "count": count}) or [])
    statement = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    last = session.scalar(statement, {"name": model.__tablename__}) or 0
    return range(last + 1, last + 1 + count)


def insert_rows(
    session: Session,
    model: type[Base],
    columns: Sequence[str],
    rows: Iterable[Row],
    same: Mapping[str, Any] | None = None,
) -> None:
    """Write `rows`, tuples in the order of `columns`, into the table of `model`, all or none.

    `same` holds, by column, what is the same in every row: it is prepared once. JSON values are
    given as text. Columns left out get the database's default, not the model's. Raises the
    driver's errors as SQLAlchemy's. Does not commit.
    """
    rows = list(rows)
    if not rows:
        return
    same = same or {}
    table = cast(Table, model.__table__)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        _copy(connection, table, (*columns, *same), rows, tuple(same.values()))
        return
    to_text = _dates_to_text(connection)
    rest = tuple(
        to_text(value) if isinstance(value, datetime) else value for value in same.values()
    )
    dates = [place for place, name in enumerate(columns) if _is_instant(table, name)]
    if dates:
        rows = [_with_dates_as_text(row, dates, to_text) for row in rows]
    _insert(connection, table, (*columns, *same), [row + rest for row in rows] if rest else rows)


def insert_new_rows(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], column: str
) -> Sequence[Any]:
    """Write those `rows`, by column name, whose unique keys nobody has written yet; leave the
    others as they are. Returns what stands in `column` of those that were written. Give the rows
    in one order everywhere, so that two who write the same ones at once do not wait for each
    other. Does not commit."""
    if not rows:
        return []
    table = cast(Table, model.__table__)
    dialect = postgresql if session.connection().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing().returning(table.c[column])
    return session.connection().execute(statement, rows).scalars().all()


def refresh_statistics(session: Session, *models: type[Base]) -> None:
    """Let the planner know how full the tables of `models` have become.

    PostgreSQL finds out by itself a minute later; until then it reads a whole account where an
    index would do. SQLite plans without statistics. Does not commit.
    """
    if session.connection().dialect.name == "postgresql":
        tables = ", ".join(model.__tablename__ for model in models)
        session.execute(text(f"ANALYZE {tables}"))


def _copy(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row], same: Row
) -> None:
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    with (
        driver_errors(connection, statement),
        driver.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.write(copy_text(rows, same))


def _insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    """A row of its own for each step of SQLite's takes twice as long, and at each the driver lets
    other threads run."""
    head = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "
    marks = f"({', '.join('?' * len(columns))})"
    whole = len(rows) - len(rows) % ROWS_A_STEP
    steps = [tuple(chain(*rows[at : at + ROWS_A_STEP])) for at in range(0, whole, ROWS_A_STEP)]
    if steps:
        connection.exec_driver_sql(head + ", ".join([marks] * ROWS_A_STEP), steps)
    if whole < len(rows):
        connection.exec_driver_sql(head + marks, list(rows[whole:]))


def _is_instant(table: Table, column: str) -> bool:
    return isinstance(table.c[column].type, UTCDateTime)


def _dates_to_text(connection: Connection) -> Callable[[datetime | None], str | None]:
    """How SQLite stores an instant; its driver knows only text. Most rows of one call have the
    same few times, so each is turned into text once."""
    dialect = connection.dialect
    to_text: Any = UTCDateTime().dialect_impl(dialect).bind_processor(dialect)
    return cache(to_text)


def _with_dates_as_text(
    row: Row, places: Sequence[int], to_text: Callable[[datetime | None], str | None]
) -> Row:
    values = list(row)
    for place in places:
        values[place] = to_text(values[place])
    return tuple(values)
