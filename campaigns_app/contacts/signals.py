"""The signal that contacts are new or changed, for whoever tells others of it.

Who tells others, the webhooks, knows contacts and is above them, so contacts cannot call it. It
connects to this signal instead. The signal is sent in the transaction that writes the contacts:
what a receiver adds to it is committed with them, or not at all, and an error of a receiver is the
writer's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blinker import Namespace
from sqlalchemy.orm import Session

from campaigns_app.contacts.matching import COLUMNS
from campaigns_app.contacts.models import Contact

contacts_changed = Namespace().signal("contacts.changed")
"""The sender is the session; keywords are `account_id`, `read_changes`, which returns a list of
`ContactChange` and need not be called, and `now`."""


@dataclass(frozen=True, slots=True)
class ContactChange:
    """A contact as it is now, by column name, and as it was; `before` is None for a new one."""

    contact: Mapping[str, Any]
    before: Mapping[str, Any] | None = None


def tell_of_contacts(
    session: Session,
    account_id: int,
    read_changes: Callable[[], Sequence[ContactChange]],
    now: datetime,
) -> None:
    """Send the signal. Costs next to nothing where no receiver asks for the changes."""
    contacts_changed.send(session, account_id=account_id, read_changes=read_changes, now=now)


def told_columns(contact: Contact) -> dict[str, Any]:
    """The contact as it is told of, by column name."""
    return {"id": contact.id, **{column: getattr(contact, column) for column in COLUMNS}}
