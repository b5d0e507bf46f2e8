"""Several statements in one trip are carried out in their order, or fail as one."""

import pytest
from psycopg import Pipeline
from sqlalchemy import bindparam, literal, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.database.one_trip import Step, in_one_trip
from tests.factories import make_account

NAME = select(Account.name).where(Account.id == bindparam("account"))
RENAME = text("UPDATE accounts SET name = 'Renamed' WHERE id > 0")
BROKEN = text("UPDATE no_such_table SET name = 'x'")


def test_each_step_sees_what_those_before_it_did(session: Session) -> None:
    account = make_account(name="First")
    of_account = {"account": account.id}

    rows = in_one_trip(session, [Step(NAME, of_account), Step(RENAME, {}), Step(NAME, of_account)])

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
        in_one_trip(session, [Step(RENAME, {}), Step(BROKEN, {}), Step(NAME, of_account)])
    session.rollback()

    assert session.scalar(NAME, of_account) == "First"


def test_what_a_statement_says_in_words_of_its_own_arrives(session: Session) -> None:
    account = make_account(name="First")
    named = NAME.where(Account.name == literal("First", literal_execute=True))

    assert in_one_trip(session, [Step(named, {"account": account.id})])[0][0][0] == "First"


def test_where_the_driver_can_do_no_more_each_step_is_a_trip(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pipeline, "is_supported", lambda: False)
    of_account = {"account": make_account(name="First").id}

    rows = in_one_trip(session, [Step(RENAME, {}), Step(NAME, of_account)])

    assert [list(map(tuple, of_step)) for of_step in rows] == [[], [("Renamed",)]]
