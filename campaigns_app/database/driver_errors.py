"""What goes past SQLAlchemy to the driver, and fails as if it had not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


@contextmanager
def driver_errors(connection: Connection, statement: str) -> Iterator[None]:
    """Inside the block, the driver's errors are raised as SQLAlchemy's, and name `statement`. A
    connection that was lost is replaced when the transaction has ended."""
    driver_error: Any = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except driver_error as error:
        dialect, driver = connection.dialect, connection.connection
        is_lost = dialect.is_disconnect(error, driver, None)
        if is_lost:
            connection.invalidate(error)
        wrapped = DBAPIError.instance(
            *(statement, None, error, driver_error),
            connection_invalidated=is_lost,
            dialect=dialect,
        )
        raise wrapped from error
