"""The templates of an inbox, as they were fetched last."""

from collections.abc import Sequence

from sqlalchemy import func, select

from campaigns_app.channels.templates import Template
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Inbox, InboxTemplate, TemplateSync
from campaigns_app.inboxes.provider_account import provider_of


def sends_templates(inbox: Inbox) -> bool:
    """Whether nothing but templates leaves the inbox."""
    channel = provider_of(inbox)
    return channel is not None and channel.sends_templates


def list_templates(inbox: Inbox) -> list[Template]:
    """Every template of the inbox, by name and language."""
    rows = db.session.scalars(
        select(InboxTemplate)
        .where(InboxTemplate.inbox_id == inbox.id)
        .order_by(InboxTemplate.name, InboxTemplate.language)
    )
    return [row.template for row in rows]


def find_translations(inbox: Inbox, name: str) -> Sequence[Template]:
    """The template of that name in every language in which there is one, by language; letters
    may be large or small."""
    rows = db.session.scalars(
        select(InboxTemplate)
        .where(InboxTemplate.inbox_id == inbox.id, func.lower(InboxTemplate.name) == name.lower())
        .order_by(InboxTemplate.language)
    )
    return [row.template for row in rows]


def sync_of(inbox: Inbox) -> TemplateSync | None:
    """How the inbox's list stands; None where it was never asked for."""
    return db.session.get(TemplateSync, inbox.id)
