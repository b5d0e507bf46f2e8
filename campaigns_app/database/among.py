"""Asking for many rows by their ids."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.orm import Session


def is_among(session: Session, column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether `column` is one of many `ids`, which are sent as one value: a statement with a
    placeholder for each of them takes longer to write than to carry out."""
    ids = sorted(ids)
    if session.connection().dialect.name == "postgresql":
        is_one: ColumnElement[bool] = column == any_(literal(ids, ARRAY(BigInteger)))
        return is_one
    listed = func.json_each(json.dumps(ids)).table_valued("value")
    found: ColumnElement[bool] = column.in_(select(listed.c.value))
    return found
