"""Asking for many rows by their ids.

The ids are sent as one value: a statement with a placeholder for each of them takes longer to
write than to carry out.
"""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    String,
    any_,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session


def is_among(session: Session, column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether `column` is one of many `ids`."""
    dialect = session.connection().dialect.name
    return among(dialect, column, literal(id_list(dialect, ids)))


def among(dialect: str, column: Any, ids: BindParameter[Any]) -> ColumnElement[bool]:
    """The same, for statements that are built once: `ids` is given the value of `id_list`."""
    if dialect == "postgresql":
        is_one: ColumnElement[bool] = column == any_(type_coerce(ids, ARRAY(BigInteger)))
        return is_one
    listed = func.json_each(type_coerce(ids, String)).table_valued("value")
    found: ColumnElement[bool] = column.in_(select(listed.c.value))
    return found


def id_list(dialect: str, ids: Iterable[int]) -> Any:
    """The ids as one value."""
    ids = sorted(ids)
    return ids if dialect == "postgresql" else json.dumps(ids)
