"""CSV files read as a stream of records, whatever is wrong with them.

Files come from spreadsheets and old systems. A fault in one record (a byte that is not UTF-8, a
quotation mark that is never closed) costs that record and no other, and memory stays flat
whatever the size of the file or of one line.
"""

import csv
import io
from collections import deque
from collections.abc import Generator, Iterator
from enum import StrEnum
from typing import BinaryIO, NamedTuple

LONGEST_RECORD = 100_000
"""Characters; below the limit of Python's `csv` for one field, so that ours is met first."""


class Fault(StrEnum):
    """Why a record could not be taken apart."""

    MALFORMED = "malformed"
    TOO_LONG = "too_long"


class Record(NamedTuple):
    """The cells of one record, and the line of the file on which it begins (the first is 1).

    Bytes that are not UTF-8 are lone surrogates, as `errors="surrogateescape"` leaves them.
    With a `fault` the only cell is the beginning of the line. A blank line has no cells.
    """

    line: int
    cells: list[str]
    fault: Fault | None = None

    @property
    def is_blank(self) -> bool:
        """Whether the line holds nothing but white space."""
        return not self.cells or (len(self.cells) == 1 and not self.cells[0].strip())


def read_records(source: BinaryIO) -> Generator[Record]:
    """Every record of `source`, in order. `source` is left open."""
    text = io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape", newline="")
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    try:
        while True:
            start = lines.begin_record()
            try:
                yield Record(start, next(reader))
            except StopIteration:
                return
            except _TooLong:
                yield Record(start, [lines.give_back()], Fault.TOO_LONG)
            except csv.Error:
                yield Record(start, [lines.give_back()], Fault.MALFORMED)
    finally:
        text.detach()


class _TooLong(Exception):
    """One line alone is longer than a record may be."""


class _Lines:
    """The lines of a text, which can be given back after a record that could not be read.

    A quotation mark that is never closed swallows all that follows: only the record's first line
    is to blame, the others are read anew.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []
        self._taken_characters = 0
        self._number = 0

    def begin_record(self) -> int:
        """Forget the lines taken so far; returns the number of the next one."""
        self._number += len(self._taken)
        self._taken.clear()
        self._taken_characters = 0
        return self._number + 1

    def give_back(self) -> str:
        """Return the first line taken for this record, and put the others back."""
        first, *others = self._taken
        self._waiting.extendleft(reversed(others))
        self._taken = [first]
        return first

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._taken_characters += len(line)
        if self._taken_characters > LONGEST_RECORD:
            raise _TooLong if len(self._taken) == 1 else csv.Error("a quotation is not closed")
        return line

    def _read(self) -> str:
        """The next line of the text; of one that is too long, its beginning."""
        line = self._text.readline(LONGEST_RECORD + 1)
        rest = line if len(line) > LONGEST_RECORD else ""
        while rest and not rest.endswith(("\r", "\n")):
            rest = self._text.readline(LONGEST_RECORD)
        return line
