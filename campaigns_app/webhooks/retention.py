"""Forgetting what was told long ago."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from campaigns_app.database.among import is_among
from campaigns_app.database.transactions import reading
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.webhooks.bundle_model import WebhookBundle
from campaigns_app.webhooks.health import fail_waiting_for_gone
from campaigns_app.webhooks.models import WebhookEvent

MOST_AT_ONCE = 500


def purge() -> int:
    """Delete the oldest events that are past `WEBHOOK_RETENTION_DAYS`, with all that was made of
    them, and fail what waits for endpoints that are gone; a bounded piece of either, for the sweep.
    Returns how many events went. Commits.

    Ids are as old as the events: the oldest are at the beginning of the primary key, and if none
    of those is old enough, none is.
    """
    session = db.session()
    cutoff = utcnow() - timedelta(days=current_app.config["WEBHOOK_RETENTION_DAYS"])
    with reading(session):
        expired = _expired(session, cutoff)
    count = 0
    if expired:
        deleted = session.execute(
            delete(WebhookEvent)
            .where(is_among(session, WebhookEvent.id, expired))
            .execution_options(synchronize_session=False)
        )
        count = cast("CursorResult[Any]", deleted).rowcount
        session.commit()
    else:
        _forget_bundles(session, cutoff)
    fail_waiting_for_gone(session)
    session.commit()
    return count


def _expired(session: Session, cutoff: datetime) -> Sequence[int]:
    oldest = (
        select(WebhookEvent.id, WebhookEvent.created_at)
        .order_by(WebhookEvent.id)
        .limit(MOST_AT_ONCE)
        .subquery()
    )
    return session.scalars(select(oldest.c.id).where(oldest.c.created_at < cutoff)).all()


def _forget_bundles(session: Session, cutoff: datetime) -> None:
    """They are as old as their events, and needed as long as one of those is there."""
    oldest = (
        select(WebhookBundle.id, WebhookBundle.created_at)
        .order_by(WebhookBundle.id)
        .limit(MOST_AT_ONCE)
        .subquery()
    )
    expired = select(oldest.c.id).where(oldest.c.created_at < cutoff)
    session.connection().execute(delete(WebhookBundle).where(WebhookBundle.id.in_(expired)))
