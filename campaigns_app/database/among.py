"""Many rows' ids in one value: a statement with a placeholder for each of them takes longer to
write than to carry out."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    String,
    any_,
    cast,
    func,
    literal,
    select,
    true,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute, Session


def is_among(session: Session, column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether `column` is one of many `ids`."""
    dialect = session.connection().dialect.name
    return among(dialect, column, literal(id_list(dialect, ids)))


def among(dialect: str, column: Any, ids: BindParameter[Any]) -> ColumnElement[bool]:
    """The same, for statements that are built once: `ids` is given the value of `id_list`."""
    given = type_coerce(ids, String)
    if dialect == "postgresql":
        # Not ANY: where PostgreSQL thinks the table small, it would go through all of the ids for
        # each row of it.
        listed = select(func.unnest(cast(given, ARRAY(BigInteger))))
    else:
        listed = select(func.json_each(given).table_valued("value").c.value)
    found: ColumnElement[bool] = column.in_(listed)
    return found


def id_list(dialect: str, ids: Iterable[int]) -> str:
    """The ids as one value, in ascending order."""
    listed = ",".join(map(str, sorted(ids)))
    return f"{{{listed}}}" if dialect == "postgresql" else f"[{listed}]"


def ids_in(dialect: str, column: InstrumentedAttribute[list[int]]) -> Select[int]:
    """All the ids in a column of type `IdList`; more can be said of the rows with `where`."""
    if dialect == "postgresql":
        return select(func.unnest(column))
    listed = func.json_each(column).table_valued("value")
    return select(listed.c.value).select_from(column.class_).join(listed, true())


def is_in_list(dialect: str, column: Any, ids: Select[list[int]]) -> ColumnElement[bool]:
    """Whether `column`, which must be a primary key, is one of the ids that the one row of `ids`, a
    column of type `IdList`, lists. PostgreSQL finds them in ascending order."""
    if dialect == "postgresql":
        found: ColumnElement[bool] = column == any_(cast(ids.scalar_subquery(), ARRAY(BigInteger)))
    else:
        listed = func.json_each(ids.scalar_subquery()).table_valued("value")
        found = column.in_(select(listed.c.value))
    return found
