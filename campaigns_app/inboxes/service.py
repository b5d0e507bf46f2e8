"""What a person does with inboxes. Each function is one commit, unless it says so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from flask_babel import gettext as _
from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import User
from campaigns_app.channels.base import SettingField
from campaigns_app.channels.registry import get_channels
from campaigns_app.conversations.models import Conversation
from campaigns_app.database.text import is_storable
from campaigns_app.destinations import LONGEST_URL
from campaigns_app.errors import FieldError, InvalidInput, NotFound, Refused
from campaigns_app.extensions import db
from campaigns_app.inboxes.callbacks import callback_token_for
from campaigns_app.inboxes.models import Channel, Inbox
from campaigns_app.webhooks.drafts import check_endpoint_url
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.service import ensure_inbox_endpoint

NAME_LENGTH = 255
WEBHOOK_URL = "webhook_url"
"""The setting that makes an inbox's own webhook endpoint."""


@dataclass(frozen=True, slots=True)
class InboxDraft:
    """What a person says about an inbox. `settings` are its channel's, by their names."""

    name: str
    inbox_type: str
    settings: Mapping[str, str]


def create_inbox(account_id: int, draft: InboxDraft, *, actor: User | None = None) -> Inbox:
    """Save an inbox with a channel of its own, and its own webhook endpoint if it has a URL.

    Ends the present transaction first. Raises `InvalidInput`. Commits.
    """
    draft = _checked(draft)
    channel = Channel(account_id=account_id, type=draft.inbox_type, settings=dict(draft.settings))
    db.session.add(channel)
    db.session.flush()
    inbox = Inbox(
        account_id=account_id,
        channel_id=channel.id,
        name=draft.name,
        inbox_type=draft.inbox_type,
        callback_token=callback_token_for(draft.inbox_type),
    )
    db.session.add(inbox)
    _flush()
    ensure_inbox_endpoint(db.session(), account_id, inbox.id, draft.settings.get(WEBHOOK_URL))
    record("inbox.created", actor, inbox, after={"name": inbox.name, "type": inbox.inbox_type})
    db.session.commit()
    return inbox


def update_inbox(
    account_id: int, inbox_id: int, draft: InboxDraft, *, actor: User | None = None
) -> Inbox:
    """Change an inbox's name and settings; its type stays, whatever the draft says.

    Ends the present transaction first. Raises `NotFound` and `InvalidInput`. Commits.
    """
    draft = _checked(replace(draft, inbox_type=get_inbox(account_id, inbox_id).inbox_type))
    inbox = get_inbox(account_id, inbox_id)
    before = {"name": inbox.name, **inbox.channel.settings}
    inbox.name = draft.name
    inbox.channel.settings = dict(draft.settings)
    _flush()
    ensure_inbox_endpoint(db.session(), account_id, inbox.id, draft.settings.get(WEBHOOK_URL))
    after = {"name": draft.name, **draft.settings}
    record("inbox.updated", actor, inbox, before=before, after=after)
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


def _checked(draft: InboxDraft) -> InboxDraft:
    """The draft as it is to be saved: trimmed, without settings that are blank or that the channel
    does not have."""
    # The name service may be slow, and SQLite lets nobody else write during a transaction.
    db.session.rollback()
    channels = get_channels()
    if draft.inbox_type not in channels:
        raise InvalidInput([FieldError("inbox_type", _("INBOXES.ERRORS.TYPE_UNKNOWN"))])
    fields = channels.get(draft.inbox_type).settings
    given = {field.name: draft.settings.get(field.name, "").strip() for field in fields}
    settings = {name: value for name, value in given.items() if value}
    checked = InboxDraft(draft.name.strip(), draft.inbox_type, settings)
    errors = [*_name_faults(checked.name)]
    for field in fields:
        errors += _setting_faults(field, given[field.name])
    if errors:
        raise InvalidInput(errors)
    return checked


def _name_faults(name: str) -> Iterator[FieldError]:
    if not name:
        yield FieldError("name", _("INBOXES.ERRORS.NAME_BLANK"))
    elif len(name) > NAME_LENGTH:
        yield FieldError("name", _("INBOXES.ERRORS.NAME_LENGTH", most=NAME_LENGTH))
    elif not is_storable(name):
        yield FieldError("name", _("INBOXES.ERRORS.CHARACTERS"))


def _setting_faults(field: SettingField, value: str) -> Iterator[FieldError]:
    if not value:
        if field.required:
            yield FieldError(field.name, _("INBOXES.ERRORS.SETTING_BLANK"))
    elif len(value) > LONGEST_URL:
        yield FieldError(field.name, _("INBOXES.ERRORS.SETTING_LENGTH", most=LONGEST_URL))
    elif not is_storable(value):
        yield FieldError(field.name, _("INBOXES.ERRORS.CHARACTERS"))
    elif field.kind == "url":
        yield from check_endpoint_url(value, field.name)


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise InvalidInput([FieldError("name", _("INBOXES.ERRORS.NAME_TAKEN"))]) from error
