"""Handing out conversations' display ids."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account


def reserve_display_ids(session: Session, account_id: int, count: int) -> range:
    """The next `count` display ids of conversations in this account, which nobody else will get.

    The account's row stays locked until the transaction ends: reserve in a short one. Numbers that
    are not used leave a gap. Does not commit.
    """
    last = session.scalars(
        update(Account)
        .where(Account.id == account_id)
        .values(last_conversation_display_id=Account.last_conversation_display_id + count)
        .returning(Account.last_conversation_display_id)
        .execution_options(synchronize_session=False)
    ).one()
    return range(last - count + 1, last + 1)
