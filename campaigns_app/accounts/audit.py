"""The audit log: who did what, when, from where, and what it changed."""

from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request

from campaigns_app.accounts.models import Account, AuditEntry, User
from campaigns_app.database.types import Base
from campaigns_app.extensions import db

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "campaign": (
        "created",
        "updated",
        "paused",
        "resumed",
        "cancelled",
        "deleted",
        "trial_begun",
        "trial_ended",
    ),
    "recipient": ("settled",),
    "contact": ("created", "updated", "blocked", "unblocked", "deleted"),
    "contacts": ("imported",),
    "label": ("created", "updated", "deleted"),
    "suppression": ("created", "deleted"),
    "suppressions": ("imported",),
    "inbox": ("created", "updated", "enabled", "disabled", "resumed", "deleted"),
    "webhook_endpoint": (
        "created",
        "updated",
        "enabled",
        "disabled",
        "secret_rotated",
        "tested",
        "failed_resent",
        "deleted",
    ),
    "webhook_delivery": ("resent",),
    "token": ("created", "revoked"),
    "account": ("created", "updated"),
    "user": ("created",),
    "session": ("started", "refused", "ended"),
}
"""All that is ever recorded, by the kind of thing it happens to."""

KNOWN_ACTIONS = frozenset(f"{thing}.{verb}" for thing, verbs in ACTIONS.items() for verb in verbs)


def record(
    action: str,
    actor: User | None,
    subject: Base | None = None,
    *,
    account_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    note: str | None = None,
) -> None:
    """Add an entry to the caller's transaction. Does not commit.

    `action` is a thing and a past verb of `ACTIONS` (`campaign.created`); `subject` is the row it
    happened to, whose account the entry belongs to unless `account_id` says otherwise. Never put a
    secret into `before` or `after`.
    """
    if subject in db.session.new:
        db.session.flush()
    entry = AuditEntry(
        account_id=account_id if account_id is not None else _account_of(subject),
        user_id=actor.id if actor is not None else None,
        action=action,
        subject_type=type(subject).__name__ if subject is not None else None,
        subject_id=getattr(subject, "id", None),
        remote_address=request.remote_addr if has_request_context() else None,
        before=before,
        after=after,
        note=note,
    )
    db.session.add(entry)


def _account_of(subject: Base | None) -> int | None:
    if isinstance(subject, Account):
        return subject.id
    account_id: int | None = getattr(subject, "account_id", None)
    return account_id
