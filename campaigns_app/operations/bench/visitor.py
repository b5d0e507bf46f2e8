"""Somebody who looks at pages, and sees how long each takes and what it asks of the database."""

import re
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import event

from campaigns_app.errors import CampaignsError
from campaigns_app.extensions import db

PAUSE_SECONDS = 0.01
"""Between two pages: who does nothing but ask takes a core of the machine alone."""

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_COUNTS_RECIPIENTS = re.compile(r"\bcount\s*\(.*\bcampaign_recipients\b", re.I | re.S)


class PageFailed(CampaignsError):
    """A page did not come."""


class Login(NamedTuple):
    """Who looks."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class Visits:
    """What visits to one page took: milliseconds of each, how many queries they made (one number,
    if it is fixed), and the queries among them that counted recipients."""

    path: str
    milliseconds: list[float] = field(default_factory=list)
    query_counts: set[int] = field(default_factory=set)
    counting: set[str] = field(default_factory=set)

    def add(self, other: "Visits") -> None:
        """Take in what other visits to the page took."""
        self.milliseconds.extend(other.milliseconds)
        self.query_counts.update(other.query_counts)
        self.counting.update(other.counting)

    @property
    def median(self) -> float:
        """The milliseconds within which half of the visits ended."""
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        """The milliseconds within which 95 of 100 visits ended."""
        return sorted(self.milliseconds)[int(0.95 * len(self.milliseconds))]


def look_around(login: Login, paths: Sequence[str], seconds: float) -> Sequence[Visits]:
    """Look at each of the pages in turn for so many seconds, at the least once."""
    client = _logged_in(login)
    for path in paths:
        _fetch(client, path)
    visits = [Visits(path) for path in paths]
    ends = time.monotonic() + seconds
    while not visits[-1].milliseconds or time.monotonic() < ends:
        for visit in visits:
            with _statements() as statements:
                began = time.perf_counter()
                _fetch(client, visit.path)
                visit.milliseconds.append((time.perf_counter() - began) * 1000)
            visit.query_counts.add(len(statements))
            visit.counting.update(filter(_COUNTS_RECIPIENTS.search, statements))
            time.sleep(PAUSE_SECONDS)
    return visits


def _logged_in(login: Login) -> FlaskClient:
    client = current_app.test_client()
    token = _TOKEN.search(client.get("/login").text)
    client.post("/login", data={**login._asdict(), "csrf_token": token and token.group(1)})
    return client


def _fetch(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise PageFailed(f"{path} answered {answer.status}")


@contextmanager
def _statements() -> Iterator[list[str]]:
    """The statements that are executed while the block lasts."""
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *others: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
