"""What workers of the queue `default` are rung for: fetching the templates of inboxes anew."""

import time
from contextlib import suppress

from sqlalchemy import Select, or_, select

from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.transactions import reading
from campaigns_app.database.types import utcnow
from campaigns_app.errors import Refused
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Channel, Inbox, TemplateSync
from campaigns_app.inboxes.template_sync import sync_templates
from campaigns_app.job_queue import DEFAULT, enqueue, must_end, waiting

SHIFT_SECONDS = 60


def sync_due_templates() -> None:
    """Fetch the templates of one inbox after another whose turn it is, until there is none or the
    shift is over."""
    shift_ends = time.monotonic() + SHIFT_SECONDS
    while (inbox_id := _next_inbox()) is not None:
        if must_end() or time.monotonic() > shift_ends:
            return
        inbox = db.session.get(Inbox, inbox_id)
        if inbox is not None:
            with suppress(Refused):
                sync_templates(inbox)


def sweep_templates() -> None:
    """Ring where templates are to be fetched."""
    if not waiting(DEFAULT) and _next_inbox() is not None:
        enqueue(DEFAULT, sync_due_templates)


def _next_inbox() -> int | None:
    db.session.rollback()
    with reading(db.session()) as session:
        return session.scalar(_due().order_by(Inbox.id).limit(1))


def _due() -> Select[int]:
    """Inboxes that send templates and whose list was never fetched, or long ago, or before their
    account was changed."""
    types = [
        one.name
        for one in get_channels()
        if isinstance(one, ProviderChannel) and one.sends_templates
    ]
    return (
        select(Inbox.id)
        .join(Channel, Channel.id == Inbox.channel_id)
        .outerjoin(TemplateSync, TemplateSync.inbox_id == Inbox.id)
        .where(
            Inbox.inbox_type.in_(types),
            Inbox.enabled.is_(True),
            or_(
                TemplateSync.inbox_id.is_(None),
                TemplateSync.due_at <= utcnow(),
                TemplateSync.tried_at < Channel.updated_at,
            ),
        )
    )
