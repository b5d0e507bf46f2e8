"""Work on the database beside an event loop lets the loop go on while the server is at it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import func, literal, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.models import Label
from campaigns_app.database.beside import beside_the_loop
from campaigns_app.database.bulk import insert_rows
from campaigns_app.database.one_trip import Step, in_one_trip
from campaigns_app.database.shared_session import SharedSession
from campaigns_app.extensions import db
from tests.factories import make_account

Answer = TypeVar("Answer")

LOCK = select(func.pg_advisory_xact_lock(4711))
MOST = 3_000


def beside(work: Callable[[], Answer], meanwhile: Callable[[], object] = lambda: None) -> Answer:
    """What `work` returns, when `meanwhile` is done by another task once it waits."""

    async def both() -> Answer:
        asked = asyncio.ensure_future(beside_the_loop(work))
        await asyncio.sleep(0)
        meanwhile()
        return await asked

    return asyncio.run(both())


def test_what_work_returns_is_returned(session: Session) -> None:
    account = make_account(name="First")

    assert beside(lambda: session.scalar(select(Account.name))) == "First"
    assert account.name == "First"


def test_what_work_raises_is_raised_and_the_session_is_good_for_more(session: Session) -> None:
    account = make_account()
    session.commit()

    def write_twice() -> None:
        for _ in range(2):
            session.add(Label(account_id=account.id, title="vip"))
        session.flush()

    with pytest.raises(IntegrityError):
        beside(write_twice)
    session.rollback()

    assert beside(lambda: session.scalar(select(func.count()).select_from(Label))) == 0


def test_much_is_written_and_read(session: Session) -> None:
    """More than the buffers of a connection hold, both ways."""
    account_id = make_account().id
    titles = [f"{number:05}{'x' * 200}" for number in range(MOST)]
    now = db.session.scalar(select(Account.created_at))

    def write_and_read() -> list[str]:
        same = {"account_id": account_id, "description": "", "color": "#1f93ff"}
        same |= {"created_at": now, "updated_at": now}
        insert_rows(session, Label, ("title",), [(title,) for title in titles], same)
        return list(session.scalars(select(Label.title).order_by(Label.title)))

    assert beside(write_and_read) == titles


def test_a_shared_session_is_one_tasks_at_a_time_and_what_it_did_not_commit_is_undone(
    session: Session,
) -> None:
    account_id = make_account().id
    session.commit()

    def add_label(session: Session, title: str) -> int:
        session.add(Label(account_id=account_id, title=title))
        session.flush()
        return session.scalar(select(func.count()).select_from(Label)) or 0

    async def ask() -> list[int]:
        shared = SharedSession(session)
        return await asyncio.gather(*(shared.do(add_label, title) for title in ("vip", "new")))

    assert asyncio.run(ask()) == [1, 1]


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("in_one", [False, True], ids=["alone", "in one trip"])
def test_others_go_on_while_the_server_works(session: Session, in_one: bool) -> None:
    def wait_for_the_lock() -> None:
        session.execute(text("SET LOCAL lock_timeout = '10s'"))
        if in_one:
            in_one_trip(session, [Step(LOCK, {}), Step(select(literal(1)), {})])
        else:
            session.execute(LOCK)

    with db.engine.connect() as other:
        other.execute(LOCK)

        beside(wait_for_the_lock, other.rollback)


@pytest.mark.only_on("postgresql")
def test_a_connection_lost_meanwhile_is_an_error_of_the_database_and_the_next_is_another(
    session: Session,
) -> None:
    end = select(func.pg_terminate_backend(session.scalar(select(func.pg_backend_pid()))))
    with db.engine.connect() as other:
        other.execute(LOCK)

        with pytest.raises(OperationalError):
            beside(lambda: in_one_trip(session, [Step(LOCK, {})]), lambda: other.scalar(end))
    session.rollback()

    assert beside(lambda: session.scalar(select(literal(1)))) == 1


@pytest.mark.only_on("postgresql")
def test_whoever_is_called_off_meanwhile_leaves_no_answer_for_the_next(session: Session) -> None:
    async def call_off() -> None:
        asked = asyncio.ensure_future(beside_the_loop(lambda: session.execute(LOCK)))
        await asyncio.sleep(0)
        asked.cancel()
        await asked

    with db.engine.connect() as other:
        other.execute(LOCK)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(call_off())
    session.rollback()

    assert session.scalar(select(literal(1))) == 1
