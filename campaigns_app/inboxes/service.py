"""What a person does with inboxes. Each function is one commit, unless it says so."""

from dataclasses import replace

from flask_babel import gettext as _
from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import User
from campaigns_app.conversations.models import Conversation
from campaigns_app.errors import FieldError, InvalidInput, NotFound, Refused
from campaigns_app.extensions import db
from campaigns_app.inboxes.callbacks import callback_token_for
from campaigns_app.inboxes.drafts import InboxDraft, check_draft
from campaigns_app.inboxes.halting import resume_inbox
from campaigns_app.inboxes.models import Channel, Inbox
from campaigns_app.inboxes.provider_account import BASE_URL
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.service import ensure_inbox_endpoint

WEBHOOK_URL = "webhook_url"
"""The setting that makes an inbox's own webhook endpoint."""


def create_inbox(account_id: int, draft: InboxDraft, *, actor: User | None = None) -> Inbox:
    """Save an inbox with a channel of its own, and its own webhook endpoint if it has a URL.

    Ends the present transaction first. Raises `InvalidInput`. Commits.
    """
    # The name service may be slow, and SQLite lets nobody else write during a transaction.
    db.session.rollback()
    checked = check_draft(draft)
    channel = Channel(
        account_id=account_id,
        type=checked.inbox_type,
        settings=checked.settings,
        secrets=checked.secrets,
    )
    db.session.add(channel)
    db.session.flush()
    inbox = Inbox(
        account_id=account_id,
        channel_id=channel.id,
        name=checked.name,
        inbox_type=checked.inbox_type,
        rate=checked.rate,
        callback_token=callback_token_for(checked.inbox_type),
    )
    db.session.add(inbox)
    _flush()
    ensure_inbox_endpoint(db.session(), account_id, inbox.id, checked.settings.get(WEBHOOK_URL))
    record("inbox.created", actor, inbox, after={"name": inbox.name, "type": inbox.inbox_type})
    db.session.commit()
    return inbox


def update_inbox(
    account_id: int, inbox_id: int, draft: InboxDraft, *, actor: User | None = None
) -> Inbox:
    """Change an inbox's name, rate and settings; its type stays, whatever the draft says, and so
    does a halt.

    Ends the present transaction first. Raises `NotFound` and `InvalidInput`. Commits.
    """
    inbox = get_inbox(account_id, inbox_id)
    draft, locked = replace(draft, inbox_type=inbox.inbox_type), inbox.channel.secrets
    address = inbox.channel.settings.get(BASE_URL, "")
    db.session.rollback()
    checked = check_draft(draft, locked, address)
    inbox = get_inbox(account_id, inbox_id)
    before = {"name": inbox.name, "rate": inbox.rate, **inbox.channel.settings}
    inbox.name, inbox.rate = checked.name, checked.rate
    inbox.channel.settings = checked.settings
    if checked.changed_secrets:
        inbox.channel.secrets = checked.secrets
    _flush()
    ensure_inbox_endpoint(db.session(), account_id, inbox.id, checked.settings.get(WEBHOOK_URL))
    after = {
        "name": checked.name,
        "rate": checked.rate,
        **checked.settings,
        **({"changed_secrets": checked.changed_secrets} if checked.changed_secrets else {}),
    }
    record("inbox.updated", actor, inbox, before=before, after=after)
    db.session.commit()
    return inbox


def resume_halted(account_id: int, inbox_id: int, *, actor: User | None = None) -> Inbox:
    """Let messages leave a halted inbox again; the sweep takes up what waits.

    Raises `NotFound`. Commits.
    """
    inbox = get_inbox(account_id, inbox_id)
    if inbox.halted_at is not None:
        record("inbox.resumed", actor, inbox, before={"halt_reason": inbox.halt_reason})
        resume_inbox(db.session(), inbox.id)
    db.session.commit()
    return inbox


def enable_inbox(
    account_id: int, inbox_id: int, *, enabled: bool, actor: User | None = None
) -> Inbox:
    """Let campaigns leave from the inbox, or stop new ones from starting there.

    Raises `NotFound`. Commits.
    """
    inbox = get_inbox(account_id, inbox_id)
    inbox.enabled = enabled
    record("inbox.enabled" if enabled else "inbox.disabled", actor, inbox)
    db.session.commit()
    return inbox


def delete_inbox(account_id: int, inbox_id: int, *, actor: User | None = None) -> None:
    """Delete an inbox, its channel and its own webhook endpoint.

    Raises `NotFound`, and `Refused` while campaigns or conversations belong to it: what was sent
    must stay traceable. Commits.
    """
    inbox = get_inbox(account_id, inbox_id)
    record("inbox.deleted", actor, inbox, before={"name": inbox.name})
    try:
        if db.session.scalar(select(exists().where(Conversation.inbox_id == inbox.id))):
            raise Refused(_("INBOXES.ERRORS.IN_USE"))
        # Campaigns keep hold of their inbox by a foreign key; this feature does not know them.
        db.session.execute(delete(Inbox).where(Inbox.id == inbox.id))
        db.session.execute(delete(Channel).where(Channel.id == inbox.channel_id))
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise Refused(_("INBOXES.ERRORS.IN_USE")) from error


def list_inboxes(account_id: int) -> list[Inbox]:
    """The account's inboxes by name, with their channels, in one query."""
    return list(
        db.session.scalars(
            select(Inbox)
            .where(Inbox.account_id == account_id)
            .options(joinedload(Inbox.channel))
            .order_by(Inbox.name)
        )
    )


def get_inbox(account_id: int, inbox_id: int) -> Inbox:
    """The account's inbox with that id, with its channel. Raises `NotFound`."""
    inbox = db.session.scalar(
        select(Inbox)
        .where(Inbox.account_id == account_id, Inbox.id == inbox_id)
        .options(joinedload(Inbox.channel))
    )
    if inbox is None:
        raise NotFound(f"no inbox {inbox_id}")
    return inbox


def find_own_endpoint(inbox: Inbox) -> WebhookEndpoint | None:
    """The endpoint that is told of everything in the inbox; None where it has no URL."""
    return db.session.scalar(
        select(WebhookEndpoint).where(
            WebhookEndpoint.account_id == inbox.account_id, WebhookEndpoint.inbox_id == inbox.id
        )
    )


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise InvalidInput([FieldError("name", _("INBOXES.ERRORS.NAME_TAKEN"))]) from error
