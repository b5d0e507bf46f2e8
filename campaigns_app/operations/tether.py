"""Processes that end when the one that started them is gone, however it ended.

A parent that is killed with SIGKILL cannot clean up behind itself; on Linux the kernel does it,
elsewhere a thread watches for it. Imports nothing but the standard library, because programs that
are not ours (the embedded queue) are started through this very file:

    python tether.py PARENT_ID PROGRAM [ARGUMENT]...
"""

import ctypes
import os
import signal
import sys
import threading
import time
from functools import cache

LOOK_SECONDS = 0.5
PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>. What it sets outlives exec(), but not fork()."""


def tie_to_parent(parent_id: int) -> None:
    """Have this process killed as soon as its parent, the process `parent_id`, is gone.

    Linux means the parent's *thread* that started this process: start children from a thread that
    lives as long as its process.
    """
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent_id,), name="tether", daemon=True).start()
    # The parent may have gone before the kernel, or the thread, was asked to look out for it.
    if os.getppid() != parent_id:
        _end()


def tie_forks() -> None:
    """Tie every process that this one forks from now on to this one, and theirs to them."""
    if sys.platform == "linux":
        # Loaded before the first fork: a fork must not wait for a lock some other thread held.
        _libc()
    os.register_at_fork(before=_remember_parent, after_in_child=_tie_fork)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


_forking_id = 0


def _remember_parent() -> None:
    global _forking_id
    _forking_id = os.getpid()


def _tie_fork() -> None:
    tie_to_parent(_forking_id)


def _watch(parent_id: int) -> None:
    while os.getppid() == parent_id:
        time.sleep(LOOK_SECONDS)
    _end()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _become(arguments: list[str]) -> None:
    """Tie this process to its parent, then become another program."""
    tie_to_parent(int(arguments[0]))
    os.execv(arguments[1], arguments[1:])  # noqa: S606 - the caller names the program


if __name__ == "__main__":
    _become(sys.argv[1:])
