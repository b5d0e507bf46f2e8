"""Forgetting what providers told, once it is old."""

from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, select

from campaigns_app.database.clock import database_now
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import ProviderEvent

BLOCK = 1000
"""So many are forgotten in one transaction, at one look."""


def forget_old_events() -> None:
    """Delete the oldest events that providers told more than `PROVIDER_EVENT_DAYS` days ago and
    that are processed, at most `BLOCK` of them; what they said of recipients stays. Commits."""
    days: int = current_app.config["PROVIDER_EVENT_DAYS"]
    if not days:
        return
    now = db.session.scalars(select(database_now())).one()
    # By id, which is the order in which they came: nothing else needs an index by their time.
    oldest = db.session.execute(
        select(ProviderEvent.id, ProviderEvent.received_at, ProviderEvent.processed_at)
        .order_by(ProviderEvent.id)
        .limit(1)
    ).first()
    if oldest is not None and oldest.received_at < now - timedelta(days=days):
        db.session.execute(
            delete(ProviderEvent)
            .where(
                ProviderEvent.id.in_(
                    select(ProviderEvent.id).order_by(ProviderEvent.id).limit(BLOCK)
                ),
                ProviderEvent.received_at < now - timedelta(days=days),
                ProviderEvent.processed_at.is_not(None),
            )
            .execution_options(synchronize_session=False)
        )
    db.session.commit()
