"""What a provider tells of a template in a callback: that it was approved, paused, taken back."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.channels.provider import EventKind, ProviderEvent
from campaigns_app.database.clock import database_now
from campaigns_app.inboxes.models import InboxTemplate, TemplateSync


def note_template_news(session: Session, inbox_id: int, event: ProviderEvent) -> bool:
    """Give the inbox's template the status it has now, and have the list fetched anew, which is
    right whatever order the news come in; returns whether the event was about a template. Does
    not commit."""
    if event.kind is not EventKind.TEMPLATE_CHANGED:
        return False
    # The list's row first: whoever fetches the list locks it before the templates.
    fetch_soon(session, inbox_id)
    if event.code:
        session.execute(
            update(InboxTemplate)
            .where(
                InboxTemplate.inbox_id == inbox_id,
                InboxTemplate.name == event.template_name,
                InboxTemplate.language == event.template_language,
            )
            .values(status=event.code)
            .execution_options(synchronize_session=False)
        )
    return True


def fetch_soon(session: Session, inbox_id: int) -> None:
    """Have the inbox's list of templates fetched at the next sweep. Does not commit."""
    session.execute(
        update(TemplateSync)
        .where(TemplateSync.inbox_id == inbox_id)
        .values(due_at=database_now())
        .execution_options(synchronize_session=False)
    )
