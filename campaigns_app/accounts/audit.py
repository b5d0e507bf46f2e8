"""The audit log: who did what, to what, from where."""

from typing import Any, Protocol

from flask import has_request_context, request

from campaigns_app.accounts.models import AuditEntry, User
from campaigns_app.extensions import db


class _Subject(Protocol):
    __tablename__: str
    id: Any
    account_id: Any


def record(
    action: str,
    actor: User | None,
    subject: _Subject,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Note that `actor` (nobody for the command line) did `action` (`campaign.created`) to a row.

    `before` and `after` are what changed, without secrets. Joins the caller's transaction, so that
    a deed and its entry are saved together or not at all. Does not commit.
    """
    db.session.add(
        AuditEntry(
            account_id=subject.account_id,
            user_id=actor.id if actor else None,
            action=action,
            subject_type=subject.__tablename__,
            subject_id=subject.id,
            remote_address=request.remote_addr if has_request_context() else None,
            before=before,
            after=after,
        )
    )
