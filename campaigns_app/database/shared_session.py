"""One session for all that a worker does at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.orm import Session


class SharedSession:
    """Lends a session to one task of the event loop after another: whoever has it may wait for the
    server in the middle of a transaction, and others go on with what needs no database."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Session]:
        """The session, until the block ends. What is not committed by then is undone."""
        async with self._turn:
            try:
                yield self._session
            finally:
                self._session.rollback()
