"""What the simulator has taken: a line of JSON for each message, in a file that only grows."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that was taken. `at` is Unix time in seconds; `delivery_id` is the sender's own,
    empty where the request had none."""

    at: float
    format: str
    delivery_id: str
    provider_id: str
    sender: str
    to: str
    text: str


class Ledger:
    """The entries, in memory and in `path`; those of an earlier process are read again.

    Each is handed to the operating system before the message is answered: only a machine that
    loses its power loses any.
    """

    def __init__(self, path: Path) -> None:
        self._entries = [Entry(**json.loads(line)) for line in _lines(path)]
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, entry: Entry) -> None:
        """Write down a message."""
        os.write(self._file, (json.dumps(asdict(entry)) + "\n").encode())
        self._entries.append(entry)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def latest_to(self, address: str, format_name: str) -> list[Entry]:
        """The messages to the address in that format, the newest first."""
        return [
            entry
            for entry in reversed(self._entries)
            if entry.to == address and entry.format == format_name
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._file)


def _lines(path: Path) -> list[str]:
    """The whole lines of the file; half of one at its end was never answered for."""
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return whole.splitlines()
