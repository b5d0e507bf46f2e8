"""Doing a piece of work in processes of its own, and seeing what it costs.

A fresh process for each, so that one's memory and caches are not another's. They are forked from
one that has loaded the program and done nothing else, as a worker forks the process for a job.
"""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from campaigns_app import create_app
from campaigns_app.errors import CampaignsError
from campaigns_app.extensions import db
from campaigns_app.operations.garbage import spare_collector

Answer = TypeVar("Answer")

STATUS = Path("/proc/self/status")
TOLD_LINES = 15


class WorkFailed(CampaignsError):
    """A piece of work ended in an error; the text ends with what it logged last."""


@dataclass(frozen=True, slots=True)
class Timing:
    """That `count` things were done from `began_at` to `ended_at`, seconds of a clock that all
    processes of the machine share."""

    count: int
    began_at: float
    ended_at: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended_at - self.began_at

    @property
    def rate(self) -> float:
        """Things done a second."""
        return self.count / self.seconds


@dataclass(frozen=True, slots=True)
class Processes:
    """Where work is done: by applications with the settings `environ`, which log to `log`."""

    environ: Mapping[str, str]
    log: Path

    def call(self, work: Callable[..., Answer], *arguments: Any) -> Answer:
        """What `work(*arguments)`, a function of a module, returns in a process of its own.

        Raises `WorkFailed`.
        """
        return self.call_together(1, work, *arguments)[0]

    def call_together(
        self, count: int, work: Callable[..., Answer], *arguments: Any
    ) -> Sequence[Answer]:
        """The same in `count` processes, which begin at once when all of them are ready."""
        started = [self._start(work, arguments) for _ in range(count)]
        try:
            for _, ours in started:
                self._receive(ours, work)
            for _, ours in started:
                ours.send("begin")
            return [self._receive(ours, work) for _, ours in started]
        finally:
            _end(started)

    @contextmanager
    def doing(self, count: int, work: Callable[..., object], *arguments: Any) -> Iterator[None]:
        """Have `count` processes do the work while the block lasts; those that have not ended by
        then are killed. Raises `WorkFailed` where one could not begin."""
        started = [self._start(work, arguments) for _ in range(count)]
        try:
            for _, ours in started:
                self._receive(ours, work)
            for _, ours in started:
                ours.send("begin")
            yield
        finally:
            _end(started)

    def _start(
        self, work: Callable[..., object], arguments: Sequence[Any]
    ) -> tuple[BaseProcess, Connection]:
        ours, theirs = _context().Pipe()
        process = _context().Process(
            target=_run, args=(dict(self.environ), str(self.log), theirs, work, arguments)
        )
        process.start()
        theirs.close()
        return process, ours

    def _receive(self, ours: Connection, work: Callable[..., object]) -> Any:
        try:
            return ours.recv()
        except EOFError:
            told = self.log.read_text(errors="replace").splitlines()[-TOLD_LINES:]
            raise WorkFailed("\n".join([f"{work.__name__} failed:", *told])) from None


def timed(count: int, work: Callable[[], object]) -> Timing:
    """Do the work, which is on `count` things, and tell how long it took."""
    began_at = time.monotonic()
    work()
    return Timing(count, began_at, time.monotonic())


def together(timings: Sequence[Timing]) -> Timing:
    """The timing of work that several processes shared, each of which tells how much it was."""
    began_at = min(timing.began_at for timing in timings)
    return Timing(timings[0].count, began_at, max(timing.ended_at for timing in timings))


def peak_mib() -> float:
    """The most memory that this process ever had resident, in MiB."""
    if STATUS.exists():
        # getrusage(2) would count what the process had before it became this program.
        lines = STATUS.read_text().splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024)


def _end(started: Iterable[tuple[BaseProcess, Connection]]) -> None:
    """Whoever has answered is done, and whoever has not is not waited for."""
    for process, ours in started:
        process.kill()
        process.join()
        ours.close()


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _run(
    environ: Mapping[str, str],
    log: str,
    parent: Connection,
    work: Callable[..., object],
    arguments: Sequence[Any],
) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, sys.stderr.fileno())
    app = create_app(environ)
    with app.app_context():
        # As in the process that a worker forks for a job.
        spare_collector()
        parent.send("ready")
        parent.recv()
        answer = work(*arguments)
        db.session.remove()
        db.engine.dispose()
    parent.send(answer)
