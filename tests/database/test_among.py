"""Many ids in one value."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.database.among import is_among
from tests.factories import make_account


@pytest.mark.parametrize("count", [0, 1, 3])
def test_rows_are_found_by_their_ids(session: Session, count: int) -> None:
    ids = [make_account().id for _ in range(4)]
    wanted = set(ids[:count])

    found = session.scalars(select(Account.id).where(is_among(session, Account.id, wanted)))

    assert set(found) == wanted


def test_more_ids_than_a_statement_has_room_for_are_no_trouble(session: Session) -> None:
    account = make_account()

    wanted = range(account.id, account.id + 200_000)
    found = session.scalars(select(Account.id).where(is_among(session, Account.id, wanted)))

    assert found.all() == [account.id]
