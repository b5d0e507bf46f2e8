"""Looking at real processes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_SECONDS = 60


def wait_until(is_so: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as `is_so`; fail when it is not so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def is_alive(process_id: int) -> bool:
    """Whether the process runs; one that has ended but was not waited for does not."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process_id}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def read_ids(path: Path) -> list[int]:
    """The process ids that processes have written into `path`, a line each."""
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def processes_naming(text: str) -> list[int]:
    """The processes that run with `text` in their command line or environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue  # It has ended, or is not ours.
        if text.encode() in words and is_alive(int(folder.name)):
            found.append(int(folder.name))
    return found
