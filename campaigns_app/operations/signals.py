"""The signals that ask a process to end, taken note of instead of obeyed on the spot."""

import signal
import threading
from types import FrameType

ASKING_TO_END = (signal.SIGINT, signal.SIGTERM)


class CaughtSignals:
    """A context, for the main thread, in which SIGINT and SIGTERM are counted and do nothing else.

    `count` is how many have come.
    """

    def __init__(self) -> None:
        self.count = 0
        self._came = threading.Event()

    def __enter__(self) -> "CaughtSignals":
        self._before = {number: signal.signal(number, self._note) for number in ASKING_TO_END}
        return self

    def __exit__(self, *reason: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait(self, seconds: float) -> bool:
        """Wait for a signal, `seconds` at most; returns whether one has come."""
        return self._came.wait(seconds)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self._came.set()
