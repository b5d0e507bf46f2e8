"""Log lines: one for each event, to standard error, with ids as fields.

    logger.info("Campaign %s finished", campaign.id, extra={"campaign_id": campaign.id})

A campaign writes a line for every recipient, so a line has to be cheap: these formatters take half
the time of structlog's.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

BARE_ATTRIBUTES = len(vars(logging.makeLogRecord({})))
"""How many attributes a record has that nobody added to."""

OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What the standard library puts into every record; the rest came in `extra`."""

PIECE_LENGTH = 4000
"""Characters, most of them of one byte: POSIX has a pipe take 4,096 bytes in one piece on Linux."""

CHATTY = ("rq", "alembic", "waitress", "liquid")
"""Libraries whose everyday lines say nothing about the product."""


def init_logging(level: str, log_format: str) -> None:
    """Send this process's log lines to standard error: `json`, or `console` for people.

    Replaces what an earlier call set up; leaves handlers of others alone.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Stderr)]:
        root.removeHandler(handler)
    handler = _Stderr()
    handler.setFormatter(JsonFormatter() if log_format == "json" else ConsoleFormatter())
    root.addHandler(handler)
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel("DEBUG" if level == "DEBUG" else "WARNING")
    # What no line shows need not be looked up for every one of them ("Optimization" in the
    # logging HOWTO).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


@contextmanager
def lines_together() -> Iterator[None]:
    """Inside the block, lines are written some at a time: for who writes hundreds in a row.

    Each write holds whole lines and no more than a pipe takes in one piece, so that those of
    several processes do not run into each other.
    """
    handlers = [one for one in logging.getLogger().handlers if isinstance(one, _Stderr)]
    for handler in handlers:
        handler.held = []
    try:
        yield
    finally:
        for handler in handlers:
            handler.let_go()


class ConsoleFormatter(logging.Formatter):
    """`2026-11-23T10:00:00Z INFO    campaigns_app.x: text field=value`, times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback below it if there is one."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        text = f"{record.levelname:<7} {record.name}: {record.getMessage()}{fields}"
        line = f"{_second(record)}Z {text}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `event`, the fields, `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; values JSON does not know are written as text."""
        line = {
            "time": f"{_second(record)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class _Stderr(logging.StreamHandler[Any]):
    """Writes to whatever standard error is at the moment: tests and progress bars exchange it."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.held: list[str] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, or keep it for `let_go`."""
        if self.held is None:
            super().emit(record)
            return
        try:
            self.held.append(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)

    def let_go(self) -> None:
        """Write the lines that were kept."""
        lines, self.held = self.held or [], None
        piece = ""
        for line in lines:
            if piece and len(piece) + len(line) > PIECE_LENGTH:
                self.stream.write(piece)
                piece = ""
            piece += line
        self.stream.write(piece)
        self.flush()

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, value: Any) -> None:
        """The base class sets it once; it is looked up anew for every line."""


_last_second: tuple[int, str] = (0, "")


def _second(record: logging.LogRecord) -> str:
    """The record's time in UTC, to the second; formatted once for all lines of one second."""
    global _last_second
    second = int(record.created)
    known, text = _last_second
    if known != second:
        text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _last_second = (second, text)
    return text


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    attributes = vars(record)
    if len(attributes) == BARE_ATTRIBUTES:
        return {}
    return {name: value for name, value in attributes.items() if name not in OWN_ATTRIBUTES}
