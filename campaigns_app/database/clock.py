"""The database's own clock, as SQL.

Leases are compared by several machines; the database is the one clock they share.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from campaigns_app.database.types import UTCDateTime


class database_now(FunctionElement[datetime]):
    """The instant at which the statement runs, moved by `seconds` (any sign, whole)."""

    inherit_cache = True
    type = UTCDateTime()

    def __init__(self, seconds: int = 0) -> None:
        self.seconds = int(seconds)
        # As an argument, so that statements which differ in it are not taken for the same one.
        super().__init__(literal_column(str(self.seconds)))


@compiles(database_now, "postgresql")
def _postgresql(element: database_now, compiler: SQLCompiler, **kwargs: Any) -> str:
    if not element.seconds:
        return "clock_timestamp()"
    return f"(clock_timestamp() + interval '{element.seconds} seconds')"


@compiles(database_now, "sqlite")
def _sqlite(element: database_now, compiler: SQLCompiler, **kwargs: Any) -> str:
    # Stored datetimes are text with six digits behind the point, and are compared as text.
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '{element.seconds:+d} seconds')"


def now_plus(seconds: int) -> ColumnElement[datetime]:
    """The database's time `seconds` from now, as a value for a column."""
    return database_now(seconds)
