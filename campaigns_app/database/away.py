"""Telling a database that is away, or has no time, from a mistake of ours."""

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError


def is_away(error: BaseException | None) -> bool:
    """Whether it was only the moment that was wrong: the database did not answer, was locked, full
    or shutting down, or had no connection to spare.

    SQLite reports mistakes in statements as operational errors, too; those are not meant.
    """
    if isinstance(error, TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlite_errorcode", None)
    is_operational = isinstance(error, OperationalError) and code != sqlite3.SQLITE_ERROR
    return error.connection_invalidated or is_operational
