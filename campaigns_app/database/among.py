"""Many rows' ids in one value."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    String,
    bindparam,
    cast,
    func,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute, Session


def is_among(session: Session, column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether `column` is one of many `ids`, which are sent as one value: a statement with a
    placeholder for each of them takes longer to write than to carry out."""
    dialect = session.connection().dialect.name
    given = bindparam(None, list_of_ids(dialect, ids), String)
    return is_one_of(dialect, column, given)


def is_one_of(dialect: str, column: Any, given: BindParameter[str]) -> ColumnElement[bool]:
    """`is_among`, for a statement that is made once: `given` is what `list_of_ids` returns."""
    if dialect == "postgresql":
        # Not ANY: where PostgreSQL thinks the table small, it would go through all of the ids for
        # each row of it.
        listed = select(func.unnest(cast(given, ARRAY(BigInteger))))
    else:
        listed = select(func.json_each(given).table_valued("value").c.value)
    found: ColumnElement[bool] = column.in_(listed)
    return found


def list_of_ids(dialect: str, ids: Iterable[int]) -> str:
    """The value that the database understands as these ids, in ascending order."""
    listed = ",".join(map(str, sorted(ids)))
    return f"{{{listed}}}" if dialect == "postgresql" else f"[{listed}]"


def ids_in(dialect: str, column: InstrumentedAttribute[list[int]]) -> Select[int]:
    """All the ids in a column of type `IdList`; more can be said of the rows with `where`."""
    if dialect == "postgresql":
        return select(func.unnest(column))
    listed = func.json_each(column).table_valued("value")
    return select(listed.c.value).select_from(column.class_).join(listed, true())
