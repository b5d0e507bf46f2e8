"""Writing many rows at once, and numbering them beforehand.

The only file with two ways to do one thing: PostgreSQL takes rows fastest through COPY, SQLite
through one prepared statement. Both need ids known before the rows are written, because rows of
several tables refer to each other.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from campaigns_app.database.types import Base, UTCDateTime

Row = tuple[Any, ...]


def reserve_ids(session: Session, model: type[Base], count: int) -> Sequence[int]:
    """`count` ids for new rows of `model` that nobody else will get, ascending.

    On SQLite they are safe only inside the present transaction, which holds the write lock.
    Does not commit.
    """
    if count == 0:
        return range(0)
    if session.connection().dialect.name == "postgresql":
        sequence = f"{model.__tablename__}_id_seq"
        statement = text("SELECT nextval(CAST(:name AS regclass)) FROM generate_series(1, :count)")
        return sorted(session.scalars(statement, {"name": sequence, "count": count}))
    statement = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    last = session.scalar(statement, {"name": model.__tablename__}) or 0
    return range(last + 1, last + 1 + count)


def insert_rows(
    session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Write `rows`, tuples in the order of `columns`, into the table of `model`, all or none.

    JSON values are given as text. Columns left out get the database's default, not the model's.
    Raises the driver's errors as SQLAlchemy's. Does not commit.
    """
    rows = list(rows)
    if not rows:
        return
    table = cast(Table, model.__table__)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
    else:
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"
        connection.exec_driver_sql(statement, _with_dates_as_text(connection, table, columns, rows))


def refresh_statistics(session: Session, *models: type[Base]) -> None:
    """Let the planner know how full the tables of `models` have become.

    PostgreSQL finds out by itself a minute later; until then it reads a whole account where an
    index would do. SQLite plans without statistics. Does not commit.
    """
    if session.connection().dialect.name == "postgresql":
        tables = ", ".join(model.__tablename__ for model in models)
        session.execute(text(f"ANALYZE {tables}"))


def _copy(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]
) -> None:
    driver: Any = connection.connection.driver_connection
    driver_error: Any = connection.dialect.loaded_dbapi.Error
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except driver_error as error:
        # COPY goes past SQLAlchemy, which would have wrapped the driver's error by itself.
        wrapped = DBAPIError.instance(
            statement, None, error, driver_error, dialect=connection.dialect
        )
        raise wrapped from error


def _with_dates_as_text(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[Row]
) -> list[Row]:
    """The rows with their datetimes as SQLite stores them; its driver knows only text.

    Most rows of one call have the same few times, so each is turned into text once.
    """
    dialect = connection.dialect
    to_text: Any = UTCDateTime().dialect_impl(dialect).bind_processor(dialect)
    as_text = cache(to_text)
    dates = {
        place for place, name in enumerate(columns) if isinstance(table.c[name].type, UTCDateTime)
    }
    if not dates:
        return rows
    return [
        tuple(as_text(value) if i in dates else value for i, value in enumerate(row))
        for row in rows
    ]
