"""Several statements in one trip are carried out in their order, or fail as one."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from psycopg import Pipeline
from sqlalchemy import bindparam, func, literal, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.database.one_trip import Rows, Step, in_one_trip
from campaigns_app.extensions import db
from tests.factories import make_account

NAME = select(Account.name).where(Account.id == bindparam("account"))
RENAME = text("UPDATE accounts SET name = 'Renamed' WHERE id > 0")
BROKEN = text("UPDATE no_such_table SET name = 'x'")
LOCK = select(func.pg_advisory_xact_lock(4711))


def carry_out(
    session: Session, steps: Sequence[Step], meanwhile: Callable[[], object] = lambda: None
) -> list[Rows]:
    """What the steps return, when `meanwhile` is done by another task."""

    async def both() -> list[Rows]:
        trip = asyncio.ensure_future(in_one_trip(session, steps))
        await asyncio.sleep(0)
        meanwhile()
        return await trip

    return asyncio.run(both())


def test_each_step_sees_what_those_before_it_did(session: Session) -> None:
    account = make_account(name="First")
    of_account = {"account": account.id}

    rows = carry_out(session, [Step(NAME, of_account), Step(RENAME, {}), Step(NAME, of_account)])

    assert [[tuple(row) for row in of_step] for of_step in rows] == [
        [("First",)],
        [],
        [("Renamed",)],
    ]


def test_a_step_that_fails_is_an_error_of_the_database_and_changes_nothing(
    session: Session,
) -> None:
    account = make_account(name="First")
    of_account = {"account": account.id}
    session.commit()

    with pytest.raises(DBAPIError):
        carry_out(session, [Step(RENAME, {}), Step(BROKEN, {}), Step(NAME, of_account)])
    session.rollback()

    assert session.scalar(NAME, of_account) == "First"


def test_what_a_statement_says_in_words_of_its_own_arrives(session: Session) -> None:
    account = make_account(name="First")
    named = NAME.where(Account.name == literal("First", literal_execute=True))

    assert carry_out(session, [Step(named, {"account": account.id})])[0][0][0] == "First"


def test_where_the_driver_can_do_no_more_each_step_is_a_trip(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pipeline, "is_supported", lambda: False)
    of_account = {"account": make_account(name="First").id}

    rows = carry_out(session, [Step(RENAME, {}), Step(NAME, of_account)])

    assert [list(map(tuple, of_step)) for of_step in rows] == [[], [("Renamed",)]]


@pytest.mark.only_on("postgresql")
def test_others_go_on_while_the_server_works(session: Session) -> None:
    session.execute(text("SET LOCAL lock_timeout = '10s'"))
    with db.engine.connect() as other:
        other.execute(LOCK)

        rows = carry_out(session, [Step(LOCK, {}), Step(NAME, {"account": 0})], other.rollback)

    assert len(rows) == 2


@pytest.mark.only_on("postgresql")
def test_a_connection_lost_meanwhile_is_an_error_of_the_database_and_the_next_is_another(
    session: Session,
) -> None:
    end = select(func.pg_terminate_backend(session.scalar(select(func.pg_backend_pid()))))
    with db.engine.connect() as other:
        other.execute(LOCK)

        with pytest.raises(OperationalError):
            carry_out(session, [Step(LOCK, {})], lambda: other.scalar(end))
    session.rollback()

    assert carry_out(session, [Step(select(literal(1)), {})])[0][0][0] == 1
