"""The floor: the rows of a finished run, written again by the fastest statement there is.

PostgreSQL takes the bytes of COPY as it gave them, SQLite tuples for one prepared statement.
Nothing is computed, looked up or logged: no program that writes these rows can be faster.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.conversations.models import ContactInbox, Conversation, Message
from campaigns_app.database.types import Base
from campaigns_app.extensions import db
from campaigns_app.operations.bench.measuring import Timing, timed
from campaigns_app.operations.bench.slate import wipe_results
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEvent

TABLES: Sequence[type[Base]] = (
    *(CampaignRecipient, ContactInbox, Conversation),
    *(Message, WebhookEvent, WebhookDelivery),
)
"""What is written for each recipient, in an order that foreign keys allow."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one table, as its driver takes them, with the statement that writes them."""

    statement: str
    rows: Sequence[Any]

    def part(self, number: int, of: int) -> "_Rows":
        """The rows of transaction `number` where there are `of` in all."""
        count = len(self.rows)
        return _Rows(self.statement, self.rows[count * number // of : count * (number + 1) // of])


def rewrite(campaign_id: int, transaction_sizes: Sequence[int]) -> Timing:
    """Write the rows of the finished run that is in the database once more, in transactions of
    so many contacts; returns the fastest. They are read and made ready beforehand."""
    on_postgres = db.engine.dialect.name == "postgresql"
    read, ready, write = (
        (_read_copy, _joined, _copy) if on_postgres else (_read_tuples, _as_is, _insert)
    )
    connection = db.engine.raw_connection()
    tables = [read(connection.driver_connection, model) for model in TABLES]
    connection.rollback()
    count, timings = len(tables[0].rows), []
    for size in transaction_sizes:
        number = -(-count // size)
        transactions = [[ready(rows.part(one, number)) for rows in tables] for one in range(number)]
        wipe_results(campaign_id)
        timings.append(timed(count, partial(_write, connection, write, transactions)))
    connection.close()
    return min(timings, key=lambda timing: timing.seconds)


def _write(
    connection: Any,
    write: Callable[[Any, _Rows], None],
    transactions: Sequence[Sequence[_Rows]],
) -> None:
    driver = connection.driver_connection
    for transaction in transactions:
        if db.engine.dialect.name == "sqlite":
            driver.execute("BEGIN IMMEDIATE")
        for rows in transaction:
            write(driver, rows)
        driver.commit()


def _read_copy(driver: Any, model: type[Base]) -> _Rows:
    """Each row as a line of COPY's text."""
    with driver.cursor().copy(
        f"COPY (SELECT * FROM {model.__tablename__} ORDER BY id) TO STDOUT"  # noqa: S608
    ) as copy:
        rows = [bytes(line) for line in copy]
    return _Rows(f"COPY {model.__tablename__} FROM STDIN", rows)


def _joined(rows: _Rows) -> _Rows:
    return _Rows(rows.statement, [b"".join(rows.rows)])


def _copy(driver: Any, rows: _Rows) -> None:
    with driver.cursor().copy(rows.statement) as copy:
        copy.write(rows.rows[0])


def _read_tuples(driver: Any, model: type[Base]) -> _Rows:
    found = driver.execute(f"SELECT * FROM {model.__tablename__} ORDER BY id")  # noqa: S608
    marks = ", ".join("?" * len(found.description))
    return _Rows(
        f"INSERT INTO {model.__tablename__} VALUES ({marks})",  # noqa: S608
        found.fetchall(),
    )


def _as_is(rows: _Rows) -> _Rows:
    return rows


def _insert(driver: Any, rows: _Rows) -> None:
    driver.executemany(rows.statement, rows.rows)
