"""Letting one transaction at a time through."""

from zlib import crc32

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def take_turns(session: Session, name: str) -> None:
    """Wait until no other transaction is past its own call with this `name`; ends with the
    present transaction. On SQLite the transaction holds the only write lock already."""
    if session.connection().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(crc32(name.encode()))))
