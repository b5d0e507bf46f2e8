"""Stopping an inbox whose provider refuses everything, until a person has seen to it."""

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from campaigns_app.database.clock import database_now
from campaigns_app.inboxes.models import Inbox


def halt_inbox(session: Session, inbox_id: int, reason: str) -> None:
    """Let nothing leave the inbox; keeps the first reason where it is halted already.

    Does not commit.
    """
    _set(session, inbox_id, Inbox.halted_at.is_(None), halted_at=database_now(), halt_reason=reason)


def resume_inbox(session: Session, inbox_id: int) -> None:
    """Let messages leave again. Does not commit."""
    _set(session, inbox_id, Inbox.halted_at.is_not(None), halted_at=None, halt_reason=None)


def _set(session: Session, inbox_id: int, condition: ColumnElement[bool], **values: object) -> None:
    session.execute(
        update(Inbox)
        .where(Inbox.id == inbox_id, condition)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
