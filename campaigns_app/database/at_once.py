"""Reading much at once, beside a thread that is busy."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

import orjson
from psycopg.pq import Format
from psycopg.types.string import ByteaBinaryLoader
from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    LargeBinary,
    SelectBase,
    event,
    func,
    literal,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

# No JSON text has a control character in it (RFC 8259, §7).
BETWEEN_TEXTS = "\x1e"

RAW = "texts_as_bytes"
"""The option of a statement whose texts are not to be decoded."""


def rows_at_once(
    session: Session, statement: SelectBase, values: Mapping[str, Any]
) -> Sequence[Sequence[Any]]:
    """The rows of `statement`, in its order: numbers, short texts, NULL, and last a JSON text, as
    the database keeps it, in UTF-8. To make text of it, of which bytes are made again, would take
    as long as to read it.

    SQLite's driver lets other threads run before each row, and then waits for its turn: a thousand
    times for a thousand rows. Here they come as one. Give the same statement each time.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        return _raw_rows(connection, statement, values)
    heads, texts = connection.execute(_as_one(statement), values).one()
    rows: list[list[Any]] = orjson.loads(heads)
    return [[*row, text] for row, text in zip(rows, (texts or b"").split(BETWEEN_TEXTS.encode()))]  # noqa: B905


class Frame(NamedTuple):
    """What stands before, between and after texts that are put together."""

    before: str
    between: str
    after: str


def texts_at_once(
    session: Session, statement: SelectBase, values: Mapping[str, Any], frame: Frame
) -> tuple[int, bytes]:
    """The texts that `statement` returns, in its order and in UTF-8, in their frame, and how many
    there are.

    Give the same statement and the same frame each time.
    """
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        count, text = connection.execute(_framed(statement, frame), values).one()
        return count, text
    before, between, after = map(str.encode, frame)
    texts = [row[0] for row in _raw_rows(connection, statement, values)]
    if not texts:
        return 0, before + after
    # Put together once: all of it may be a megabyte.
    texts[0] = before + texts[0]
    texts[-1] += after
    return len(texts), between.join(texts)


def _raw_rows(
    connection: Connection, statement: SelectBase, values: Mapping[str, Any]
) -> Sequence[Sequence[Any]]:
    """The rows as PostgreSQL sends them: what is of the type TEXT stays bytes."""
    return connection.execute(
        cast(Executable, statement), values, execution_options={RAW: True}
    ).all()


@event.listens_for(Engine, "before_cursor_execute")
def _leave_texts_raw(*call: Any) -> None:
    _, cursor, *_, context, _ = call
    if context is not None and RAW in context.execution_options:
        cursor.format = Format.BINARY
        cursor.adapters.register_loader("text", ByteaBinaryLoader)


@cache
def _framed(statement: SelectBase, frame: Frame) -> Executable:
    [text] = statement.subquery().c
    joined = func.coalesce(func.group_concat(text, frame.between), "")
    framed = literal(frame.before) + joined + literal(frame.after)
    return select(func.count(), sql_cast(framed, LargeBinary))


@cache
def _as_one(statement: SelectBase) -> Executable:
    *head, text = statement.subquery().c
    texts = sql_cast(func.group_concat(text, BETWEEN_TEXTS), LargeBinary)
    return select(func.json_group_array(func.json_array(*head)), texts)
