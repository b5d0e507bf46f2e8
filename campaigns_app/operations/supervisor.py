"""Keeping a set of processes running: those that die are started again, none is left behind."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from campaigns_app.operations.signals import CaughtSignals

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
STOP_SECONDS = 10
FIRST_RESTART_SECONDS = 0.5
LONGEST_RESTART_SECONDS = 30
STEADY_SECONDS = 30
"""A process that ran for so long is not failing at its start: it is restarted quickly again."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep running. `name` stands before its lines of output; `sockets`, by file
    number, are inherited."""

    name: str
    command: Sequence[str]
    sockets: Sequence[int] = ()


def campaigns_program(name: str, *arguments: str, sockets: Sequence[int] = ()) -> Program:
    """One of the commands of `campaigns`, in a process that ends when the present one does."""
    tied = ("--parent", str(os.getpid()))
    return Program(name, (sys.executable, "-m", "campaigns_app", *tied, *arguments), sockets)


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    restart_seconds: float = FIRST_RESTART_SECONDS
    copier: threading.Thread | None = None


class Supervisor:
    """Starts `programs` with the environment `environ` and keeps them running until `stop()`.

    Their output goes to `log`, a file, or line by line with their names to standard error. To be
    started, looked after and stopped from one thread, which lives as long as the process.
    """

    def __init__(
        self, programs: Sequence[Program], environ: Mapping[str, str], *, log: Path | None = None
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._environ = {**environ, **_platform_environ()}
        self._log = log
        self._width = max((len(program.name) for program in programs), default=0)

    def start(self) -> None:
        """Start every process; returns at once."""
        for child in self._children:
            self._start(child)

    def look(self) -> None:
        """Start again what has died, not before its pause is over. To be called often."""
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._plan_restart(child, child.process.returncode)
            elif child.process is None and time.monotonic() >= child.restart_at:
                self._start(child)

    def run(self) -> None:
        """Start everything, keep it running until SIGINT or SIGTERM comes, then stop it.

        A second signal ends the processes at once instead of letting them finish.
        """
        with CaughtSignals() as signals:
            self.start()
            while not signals.wait(LOOK_SECONDS):
                self.look()
            self.stop(at_once=lambda: signals.count > 1)

    def stop(self, *, at_once: Callable[[], bool] = lambda: False) -> None:
        """Ask every process to end, and end those that have not within `STOP_SECONDS`, or as soon
        as `at_once` says so."""
        for child in self._children:
            child.restart_at = float("inf")
            self._signal(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(self._is_running(child) for child in self._children):
            if time.monotonic() > deadline or at_once():
                break
            time.sleep(0.02)
        for child in self._children:
            self._finish(child)

    def process_ids(self) -> dict[str, int]:
        """The ids of the processes that run now, by program name."""
        return {
            child.program.name: child.process.pid
            for child in self._children
            if child.process is not None and self._is_running(child)
        }

    def _start(self, child: _Child) -> None:
        child.started_at = time.monotonic()
        if self._log is not None:
            with self._log.open("ab") as log:
                child.process = self._open(child.program, log)
            return
        reading_end, writing_end = os.pipe()
        with os.fdopen(writing_end, "wb") as output:
            child.process = self._open(child.program, output)
        prefix = f"{child.program.name:<{self._width}} | "
        child.copier = threading.Thread(
            target=_copy_lines, args=(os.fdopen(reading_end, "rb"), prefix), daemon=True
        )
        child.copier.start()

    def _open(self, program: Program, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            program.command,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=program.sockets,
            # A group of its own: Ctrl-C reaches us alone, and a whole group can be ended.
            start_new_session=True,
        )

    def _plan_restart(self, child: _Child, status: int) -> None:
        # What the dead process may have started must not work on beside its successor.
        self._signal(child, signal.SIGKILL)
        child.process = None
        if time.monotonic() - child.started_at > STEADY_SECONDS:
            child.restart_seconds = FIRST_RESTART_SECONDS
        child.restart_at = time.monotonic() + child.restart_seconds
        logger.warning(
            "%s ended with status %d; starting it again in %.1f seconds",
            *(child.program.name, status, child.restart_seconds),
        )
        child.restart_seconds = min(child.restart_seconds * 2, LONGEST_RESTART_SECONDS)

    def _finish(self, child: _Child) -> None:
        self._signal(child, signal.SIGKILL)
        if child.process is not None:
            child.process.wait()
            child.process = None
        if child.copier is not None:
            child.copier.join(timeout=1)

    @staticmethod
    def _is_running(child: _Child) -> bool:
        return child.process is not None and child.process.poll() is None

    @staticmethod
    def _signal(child: _Child, number: signal.Signals) -> None:
        """Signal the process and everything in its group, which may outlive it."""
        if child.process is not None:
            # On macOS a group of zombies only is not permitted rather than not found.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, number)


def _copy_lines(source: IO[bytes], prefix: str) -> None:
    with source:
        for line in source:
            sys.stderr.write(prefix + line.decode(errors="replace"))
            sys.stderr.flush()


def _platform_environ() -> dict[str, str]:
    # On macOS a worker could not fork its jobs otherwise, once a system library was loaded.
    return {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"} if sys.platform == "darwin" else {}
