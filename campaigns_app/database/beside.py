"""Asking the database in the middle of an event loop that has others to answer.

Not in a thread: it would take the interpreter away from the loop for as long as it computes, again
and again, and a worker that sends webhooks on SQLite would lose a sixth of its speed.
"""

import asyncio
from collections.abc import Callable
from select import POLLIN, POLLOUT, poll
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait
from sqlalchemy.util import await_, greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet

Answer = TypeVar("Answer")


async def beside_the_loop(work: Callable[[], Answer]) -> Answer:
    """What `work` returns or raises. Whenever it waits for PostgreSQL, the loop's other tasks go
    on; they must leave its session alone. SQLite is not waited for."""
    return await greenlet_spawn(work)


class PatientConnection(psycopg.Connection[Any]):
    """A connection to PostgreSQL for which work beside a loop waits as `beside_the_loop` says, and
    all else as for psycopg's own."""

    def wait(self, gen: PQGen[Answer], *arguments: Any, **named: Any) -> Answer:
        """Carry the conversation with the server that `gen` is to its end."""
        if not in_greenlet():
            return super().wait(gen, *arguments, **named)
        try:
            return await_(_to_its_end(gen, self.pgconn.socket))
        except BaseException as error:
            if not isinstance(error, psycopg.Error):
                # The answer that nobody waits for any more would be taken for the next one.
                self.pgconn.finish()
            raise


_EVENTS = {Wait.R: POLLIN, Wait.W: POLLOUT, Wait.RW: POLLIN | POLLOUT}


async def _to_its_end(conversation: PQGen[Answer], descriptor: int) -> Answer:
    """As `psycopg.waiting.wait_async` does it, but that turns to the loop only where nothing has
    come: of an answer of a thousand rows, the next are mostly there."""
    ready, waiter = poll(), _Waiter(descriptor)
    try:
        wanted = next(conversation)
        while True:
            ready.register(descriptor, _EVENTS[wanted])
            if found := ready.poll(0):
                wanted = conversation.send(_readiness(found[0][1]))
            else:
                await waiter.wait(wanted)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    finally:
        waiter.stop()


def _readiness(events: int) -> Ready:
    """Whoever is gone can be read from: that says so."""
    can_read, can_write = events & ~POLLOUT, events & POLLOUT
    return Ready.RW if can_read and can_write else Ready.R if can_read else Ready.W


class _Waiter:
    """Is told by the loop that something has come, once it has been asked for the first time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._come = asyncio.Event()
        self._is_listening = False

    async def wait(self, wanted: Wait) -> None:
        """Until there is something to read, or room to write where that is wanted."""
        if not self._is_listening:
            self._loop.add_reader(self._descriptor, self._come.set)
            self._is_listening = True
        self._come.clear()
        if wanted & Wait.W:
            self._loop.add_writer(self._descriptor, self._come.set)
        try:
            await self._come.wait()
        finally:
            if wanted & Wait.W:
                self._loop.remove_writer(self._descriptor)

    def stop(self) -> None:
        """Be told nothing any more."""
        if self._is_listening:
            self._loop.remove_reader(self._descriptor)
