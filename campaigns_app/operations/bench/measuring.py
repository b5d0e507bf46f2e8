"""Measuring one piece of work in a process of its own: how long it took, how much memory.

A fresh process for each, so that one's memory and caches are not another's.
"""

import logging
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaigns_app import create_app
from campaigns_app.extensions import db

Work = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a piece of work cost: `count` things done in `seconds`, `peak_mib` of memory at most."""

    count: int
    seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Things done a second."""
        return self.count / self.seconds


def measure(environ: dict[str, str], log: Path, work: Work, *arguments: Any) -> Measured:
    """Call `work(*arguments)`, a function of a module, inside an application made from `environ`.

    The work returns how many things it did. What it logs goes to the file `log`, as a worker's
    would. Raises `RuntimeError` when the process fails.
    """
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(environ, str(log), sending, work, arguments))
    process.start()
    sending.close()
    try:
        measured: Measured = receiving.recv()
    except EOFError:
        raise RuntimeError(f"{work.__name__} failed; {log} says why") from None
    finally:
        process.join()
    return measured


def _run(environ: dict[str, str], log: str, answer: Any, work: Work, arguments: Any) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, sys.stderr.fileno())
    app = create_app(environ)
    logging.getLogger("campaigns_app").setLevel(logging.INFO)
    with app.app_context():
        started = time.perf_counter()
        count = work(*arguments)
        seconds = time.perf_counter() - started
        db.session.remove()
        db.engine.dispose()
    answer.send(Measured(count, seconds, _peak_mib()))


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes (getrusage(2) of each).
    return peak / (1024 if sys.platform != "darwin" else 1024 * 1024)
