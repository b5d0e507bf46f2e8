"""Reading many rows beside a thread that is busy."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import orjson
from sqlalchemy import Executable, SelectBase, func, select
from sqlalchemy.orm import Session

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


@cache
def _as_one(statement: SelectBase) -> Executable:
    *head, text = statement.subquery().c
    return select(
        func.json_group_array(func.json_array(*head)), func.group_concat(text, BETWEEN_TEXTS)
    )
