"""Carrying out a batch through a provider, with many calls in flight at once.

The books (`provider_books`) say whom to call, once it is committed that they are `sending`, and are
told what came of it. In between no transaction is open. Whoever is still `sending` when the worker
is gone becomes `unknown` (see `interrupted`), and is never sent to again by itself.
"""

import asyncio
import logging
from contextlib import suppress

from sqlalchemy.exc import OperationalError

from campaigns_app.campaigns.calls import Called, call
from campaigns_app.campaigns.provider_books import ProviderBooks, Route, Turn
from campaigns_app.database.types import utcnow
from campaigns_app.errors import StaleLease
from campaigns_app.http_client import HttpClient

logger = logging.getLogger(__name__)

RECORD_AT_ONCE = 100
RECORD_SECONDS = 0.2
"""Results are written down together: so many, or what has come in so many seconds."""

TOGETHER_SECONDS = 0.01
"""Where calls wait for others to end, as many begin together as end in so many seconds, or half
of all: each beginning is a commit."""


class ProviderRun:
    """One worker's work on one batch."""

    def __init__(self, http: HttpClient, route: Route, books: ProviderBooks) -> None:
        self._http = http
        self._route = route
        self._books = books
        self._calls: dict[asyncio.Task[Called], int] = {}
        self._ended: list[asyncio.Task[Called]] = []
        self._enough = 1
        self._news = asyncio.Event()

    async def finish(self) -> bool:
        """Send to every recipient of the batch whose time has come; returns whether it is finished,
        as `ProviderBooks.give_back` does.

        Raises `StaleLease` when another worker has taken over, `BudgetUnreachable` when nobody can
        say how much may leave, and `OperationalError` when the database is away for longer than the
        lease; what came of the calls under way is written down first, where it can be, whatever
        else goes wrong.
        """
        try:
            await self._send()
        except StaleLease:
            raise
        except OperationalError as error:
            logger.warning("A turn was broken off: %s", error)
            await self._write_rest()
        except Exception:
            await self._write_rest()
            raise
        return await self._books.give_back()

    async def _send(self) -> None:
        while True:
            turn = await self._take_turn()
            if not (turn.has_more or self._calls or self._ended):
                return
            await self._wait(turn)

    async def _write_rest(self) -> None:
        """Begin with nobody more, and write down what comes of the calls until all have ended.
        Where the database is away, that is tried for as long as the lease may be held."""
        self._books.begin_with_nobody_more()
        while True:
            made, under_way = self._take_made(), set(self._calls.values())
            try:
                await self._books.write_rest(made, under_way)
                if not under_way:
                    return
            except OperationalError:
                if self._books.is_lease_over():
                    raise
            await self._until_ended(max(len(self._calls), 1), RECORD_SECONDS)

    def _take_made(self) -> list[Called]:
        ended, self._ended = self._ended, []
        return [task.result() for task in ended]

    async def _take_turn(self) -> Turn:
        made = self._take_made()
        room = self._route.most_calls - len(self._calls)
        turn = await self._books.take_turn(made, room)
        now = utcnow()
        for one in turn.begun:
            work = call(self._route.channel, self._http, self._route.account, one, now)
            task = asyncio.ensure_future(work)
            self._calls[task] = one.contact_id
            task.add_done_callback(self._note_end)
        return turn

    async def _wait(self, turn: Turn) -> None:
        """Until another turn is worth its commit."""
        if not turn.has_more:
            await self._until_ended(min(len(self._calls), RECORD_AT_ONCE), RECORD_SECONDS)
        elif turn.wait is not None:
            await self._until_ended(RECORD_AT_ONCE, min(turn.wait, RECORD_SECONDS))
        else:
            await self._until_ended(min(len(self._calls), 1), RECORD_SECONDS)
            await self._until_ended(self._route.most_calls // 2, TOGETHER_SECONDS)

    async def _until_ended(self, count: int, seconds: float) -> None:
        """Until so many calls have ended that were not written down yet, at most so long."""
        self._enough = count
        self._news.clear()
        if len(self._ended) < count:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()

    def _note_end(self, task: asyncio.Task[Called]) -> None:
        self._calls.pop(task)
        self._ended.append(task)
        if len(self._ended) >= self._enough:
            self._news.set()
