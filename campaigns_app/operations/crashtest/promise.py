"""A promise as a number, and how the checker counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns_app.operations.crashtest.history import History


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that was promised, as a number: what it must be, or `at_most` be, and what it
    is."""

    name: str
    expected: int
    found: int
    at_most: bool = False

    @property
    def held(self) -> bool:
        """Whether it is what it must be."""
        return self.found <= self.expected if self.at_most else self.found == self.expected


Check = Callable[[Session, History], Iterator[Promise]]


def none(session: Session, name: str, wrong: Select[int]) -> Promise:
    """The promise that the statement finds nothing."""
    return Promise(name, 0, count(session, wrong))


def count(session: Session, found: Select[*tuple[Any, ...]]) -> int:
    """How many rows the statement finds."""
    return session.scalars(select(func.count()).select_from(found.subquery())).one()


def repeated(session: Session, *columns: InstrumentedAttribute[Any]) -> int:
    """How many rows there are beyond the first with the same values in `columns`."""
    rows = select(*columns)
    return count(session, rows) - count(session, rows.distinct())
