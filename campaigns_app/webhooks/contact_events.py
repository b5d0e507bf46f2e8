"""Telling that contacts are new or changed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.signals import ContactChange
from campaigns_app.webhooks.events import (
    CONTACT_CREATED,
    CONTACT_EVENTS,
    CONTACT_UPDATED,
    changed_attributes,
    contact_object,
    to_json,
)
from campaigns_app.webhooks.outbox import Event, tell


def record_contact_events(
    session: Session,
    *,
    account_id: int,
    read_changes: Callable[[], Sequence[ContactChange]],
    now: datetime,
) -> None:
    """Receive the signal that contacts are new or changed. A contact that is as it was before is
    not told of. Does not commit."""
    tell(
        session,
        account_id,
        CONTACT_EVENTS,
        lambda: _events(session, account_id, read_changes()),
        now,
    )


def _events(session: Session, account_id: int, changes: Sequence[ContactChange]) -> Iterator[Event]:
    name = session.scalar(select(Account.name).where(Account.id == account_id))
    for change in changes:
        told = {
            "account": {"id": account_id, "name": name},
            "avatar": "",
            **contact_object(change.contact),
        }
        if change.before is None:
            yield Event(CONTACT_CREATED, to_json({**told, "event": CONTACT_CREATED}))
        elif changed := changed_attributes(change.before, change.contact):
            told |= {"changed_attributes": changed, "event": CONTACT_UPDATED}
            yield Event(CONTACT_UPDATED, to_json(told))
