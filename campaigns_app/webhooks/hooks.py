"""Where the webhooks listen to the parts below them: connected once, when the app is made."""

from sqlalchemy import event
from sqlalchemy.orm import Session

from campaigns_app.contacts.signals import contacts_changed
from campaigns_app.webhooks.contact_events import record_contact_events
from campaigns_app.webhooks.jobs import ring
from campaigns_app.webhooks.outbox import TOLD


def connect() -> None:
    """Be told of contacts, and of commits. Connecting twice changes nothing."""
    contacts_changed.connect(record_contact_events)
    if not event.contains(Session, "after_commit", ring_if_told):
        event.listen(Session, "after_commit", ring_if_told)


def ring_if_told(session: Session) -> None:
    """Ring the queue after a commit that wrote events on the word of a signal: its sender cannot,
    because it does not know that there is a queue."""
    if session.info.pop(TOLD, False):
        ring()
