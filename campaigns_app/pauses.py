"""Named points at which a process can be made to stop and wait, for tests that kill it there.

    CAMPAIGNS_PAUSE_AT=before_commit:3    the third time that the engine is about to commit a chunk

A process that reaches its point writes its id into the file `CAMPAIGNS_PAUSE_FILE`, a line each,
and waits until somebody kills it or removes the file. Without the variables nothing happens, at
the cost of one comparison. Only the commands of `campaigns` look at them.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path

POINTS = (
    "before_claim",
    "after_claim",
    "after_insert",
    "before_commit",
    "after_commit",
    "before_enqueue",
)
"""What the engine passes: before and after it takes a batch, after it has written a chunk's rows,
before and after it commits them, before it rings for what it has committed."""

LOOK_SECONDS = 0.01

_name = ""
_left = 0
_file = Path()


def arrange(environ: Mapping[str, str]) -> None:
    """Have this process, and those it forks, pause where `environ` says."""
    global _name, _left, _file
    _name, _, number = environ.get("CAMPAIGNS_PAUSE_AT", "").partition(":")
    _left = int(number or 1)
    _file = Path(environ.get("CAMPAIGNS_PAUSE_FILE", ""))


def passing(point: str) -> None:
    """Say that the engine is at `point`, one of `POINTS`; waits there if it was asked to."""
    global _left
    if point != _name:
        return
    _left -= 1
    if _left == 0:
        _wait()


def _wait() -> None:
    with _file.open("a") as ids:
        ids.write(f"{os.getpid()}\n")
    while _file.exists():
        time.sleep(LOOK_SECONDS)
