"""Reading much at once, beside a thread that is busy."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import orjson
from psycopg.rows import scalar_row
from psycopg.types.string import ByteaBinaryLoader
from sqlalchemy import Executable, LargeBinary, SelectBase, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from campaigns_app.database.driver_errors import driver_errors
from campaigns_app.database.one_trip import as_sent

# No JSON text has a control character in it (RFC 8259, §7).
BETWEEN_TEXTS = "\x1e"


def rows_at_once(
    session: Session, statement: SelectBase, values: Mapping[str, Any]
) -> Sequence[Sequence[Any]]:
    """The rows of `statement`, in its order: numbers, short texts, NULL, and last a JSON text.

    SQLite's driver lets other threads run before each row, and then waits for its turn: a thousand
    times for a thousand rows. Here they come as one. Give the same statement each time.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        return connection.execute(cast(Executable, statement), values).all()
    heads, texts = connection.execute(_as_one(statement), values).one()
    rows: list[list[Any]] = orjson.loads(heads)
    return [[*row, text] for row, text in zip(rows, (texts or "").split(BETWEEN_TEXTS))]  # noqa: B905


def texts_at_once(
    session: Session, statement: SelectBase, values: Mapping[str, Any], between: str
) -> tuple[int, bytes]:
    """The texts that `statement` returns, in its order, with `between` between them, and how many
    there are. They are as the database keeps them, in UTF-8: making text of them first, which is
    made into bytes again, would take as long as reading them.

    Raises the driver's errors as SQLAlchemy's. Give the same statement each time.
    """
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        count, text = connection.execute(_joined(statement, between), values).one()
        return count, text or b""
    driver: Any = connection.connection.driver_connection
    with (
        driver_errors(connection, "texts at once"),
        driver.cursor(binary=True, row_factory=scalar_row) as cursor,
    ):
        for name in ("text", "varchar"):
            cursor.adapters.register_loader(name, ByteaBinaryLoader)
        text, fixed = as_sent(connection.dialect, cast(Executable, statement))
        texts = cursor.execute(text, {**fixed, **values}).fetchall()
    return len(texts), between.encode().join(texts)


@cache
def _joined(statement: SelectBase, between: str) -> Executable:
    [text] = statement.subquery().c
    joined = func.group_concat(text, between)
    return select(func.count(), sql_cast(joined, LargeBinary))


@cache
def _as_one(statement: SelectBase) -> Executable:
    *head, text = statement.subquery().c
    return select(
        func.json_group_array(func.json_array(*head)), func.group_concat(text, BETWEEN_TEXTS)
    )
