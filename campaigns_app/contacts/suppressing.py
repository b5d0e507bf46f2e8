"""Writing down addresses that must not be messaged any more."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.contacts.models import Suppression
from campaigns_app.database.locks import take_turns


def suppress_addresses(
    session: Session, account_id: int, addresses: Sequence[tuple[str, str]], *, source: str
) -> None:
    """Suppress (address, note) pairs in the account; those suppressed already stay as they are.

    Does not commit.
    """
    if not addresses:
        return
    take_turns(session, f"suppressions of {account_id}")
    wanted = dict(addresses)
    known = session.scalars(
        select(Suppression.address).where(
            Suppression.account_id == account_id, Suppression.address.in_(wanted)
        )
    ).all()
    session.add_all(
        Suppression(account_id=account_id, address=address, source=source, note=note)
        for address, note in wanted.items()
        if address not in known
    )
    session.flush()
