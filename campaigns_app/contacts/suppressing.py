"""Writing down addresses that must not be messaged any more, and those that may be again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.contacts.models import Suppression
from campaigns_app.database.locks import take_turns

MANUAL = "manual"
IMPORTED = "import"
PROVIDER = "provider"
"""The provider said that the person, or it for them, wants no messages."""
REPLY = "reply"
"""The person answered a message with a word such as STOP."""

UNDONE_BY_START = frozenset({REPLY, PROVIDER})
"""What came of a STOP, said to us or to the provider, a START takes back; never what somebody of
the account has entered."""


def suppressible(kind: str, address: str) -> str:
    """How an address stands in the list: by itself where it is a number or an e-mail address, for
    which `kind` is blank; else behind its kind (`telegram:4711`), so that none is another's."""
    return f"{kind}:{address}" if kind else address


@dataclass(frozen=True, slots=True)
class Consent:
    """That a person, known by an address, has opted out of messages at an instant, or in again."""

    address: str
    is_out: bool
    at: datetime
    source: str
    note: str


def suppress_addresses(
    session: Session, account_id: int, addresses: Sequence[tuple[str, str]], *, source: str
) -> list[Suppression]:
    """Suppress (address, note) pairs in the account, and return those that were not suppressed
    before; the others stay as they are.

    Does not commit.
    """
    if not addresses:
        return []
    take_turns(session, f"suppressions of {account_id}")
    wanted = dict(addresses)
    known = session.scalars(
        select(Suppression.address).where(
            Suppression.account_id == account_id, Suppression.address.in_(wanted)
        )
    ).all()
    added = [
        Suppression(account_id=account_id, address=address, source=source, note=note)
        for address, note in wanted.items()
        if address not in known
    ]
    session.add_all(added)
    session.flush()
    return added


def obey_consents(session: Session, account_id: int, consents: Sequence[Consent]) -> None:
    """Suppress and release addresses of the account as people wish, the earliest wish first.

    A wish that is older than what is known does not undo it: when in doubt nobody is written to.
    Does not commit.
    """
    if not consents:
        return
    take_turns(session, f"suppressions of {account_id}")
    addresses = {consent.address for consent in consents}
    found = session.scalars(
        select(Suppression).where(
            Suppression.account_id == account_id, Suppression.address.in_(addresses)
        )
    )
    known = {suppression.address: suppression for suppression in found}
    for consent in sorted(consents, key=lambda one: one.at):
        suppression = known.get(consent.address)
        if consent.is_out and suppression is None:
            known[consent.address] = suppression = Suppression(
                account_id=account_id,
                address=consent.address,
                source=consent.source,
                note=consent.note,
                created_at=consent.at,
            )
            session.add(suppression)
        elif consent.is_out and suppression is not None:
            _renew(suppression, consent)
        elif suppression is not None and _is_undone(suppression, consent):
            del known[consent.address]
            session.flush()
            session.delete(suppression)
            session.flush()
    session.flush()


def _renew(suppression: Suppression, consent: Consent) -> None:
    """Let an older opt-in not undo what was said once more after it."""
    if suppression.source in UNDONE_BY_START:
        suppression.created_at = max(suppression.created_at, consent.at)


def _is_undone(suppression: Suppression, consent: Consent) -> bool:
    return suppression.source in UNDONE_BY_START and suppression.created_at <= consent.at
