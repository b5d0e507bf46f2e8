"""Which process a worker has forked for the job it is at."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def find_horse(worker_id: int) -> int | None:
    """The work-horse of the worker with this process id; None while it has no job.

    RQ makes the horse the leader of a process group of its own, unlike the worker's other child.
    """
    for process_id, parent_id in _processes():
        if parent_id == worker_id and _group(process_id) == process_id:
            return process_id
    return None


def _processes() -> Iterator[tuple[int, int]]:
    """The ids of every process and of its parent."""
    if sys.platform == "linux":
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # It has ended meanwhile.
                # The name, in parentheses, may hold spaces; state and parent come after it.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    yield int(folder.name), int(fields[1])
        return
    shown = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True)
    for line in shown.stdout.splitlines():
        process_id, parent_id = line.split()
        yield int(process_id), int(parent_id)


def _group(process_id: int) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(process_id)
    return None
