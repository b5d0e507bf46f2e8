"""One session for all that a worker does at the same time."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from campaigns_app.database.beside import beside_the_loop

Answer = TypeVar("Answer")
Asked = ParamSpec("Asked")


class SharedSession:
    """A session for one task of the event loop after another: while it waits for the server in the
    middle of a transaction, others go on with what needs no database."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn = asyncio.Lock()

    async def do(
        self,
        work: Callable[Concatenate[Session, Asked], Answer],
        *arguments: Asked.args,
        **named: Asked.kwargs,
    ) -> Answer:
        """What `work(session, …)` returns or raises, when its turn has come. What it has not
        committed is undone."""

        def asked() -> Answer:
            try:
                return work(self._session, *arguments, **named)
            finally:
                self._session.rollback()

        async with self._turn:
            return await beside_the_loop(asked)
