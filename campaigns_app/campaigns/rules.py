"""What a campaign must be to be saved; the texts are those the JSON API shows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Membership
from campaigns_app.campaigns.models import MESSAGE_LENGTH, TITLE_LENGTH
from campaigns_app.campaigns.rendering import check_message
from campaigns_app.channels.registry import ChannelRegistry
from campaigns_app.contacts.models import Label
from campaigns_app.database.text import is_storable
from campaigns_app.errors import FieldError
from campaigns_app.inboxes.models import Inbox

LATEST_YEARS = 10
"""A time further away than this is taken for a slip of the keyboard."""


def check_title(title: str) -> Iterator[FieldError]:
    """A title is there, short enough, and can be stored."""
    yield from _check_text("title", "Title", title, TITLE_LENGTH)


def check_message_text(message: str) -> Iterator[FieldError]:
    """A message is there, short enough, and is Liquid that some contact could fill."""
    faults = list(_check_text("message", "Message", message, MESSAGE_LENGTH))
    yield from faults
    if not faults:
        yield from (FieldError("message", text) for text in check_message(message))


def check_inbox(
    session: Session, channels: ChannelRegistry, account_id: int, inbox_id: int | None
) -> Iterator[FieldError]:
    """The inbox is the account's, and of a type that can carry a campaign.

    Another account's inbox and one that never was are refused in the same words.
    """
    if inbox_id is None:
        yield FieldError("inbox_id", "Inbox must exist")
        return
    inbox = session.scalar(
        select(Inbox).where(Inbox.account_id == account_id, Inbox.id == inbox_id)
    )
    if inbox is None:
        yield FieldError("inbox_id", "Inbox must belong to the same account as the campaign")
    elif inbox.inbox_type not in channels:
        yield FieldError("inbox", "Inbox Unsupported Inbox type")


def check_sender(session: Session, account_id: int, sender_id: int | None) -> Iterator[FieldError]:
    """The sender, if there is one, is a member of the account."""
    if sender_id is None:
        return
    member = select(Membership.id).where(
        Membership.account_id == account_id, Membership.user_id == sender_id
    )
    if session.scalar(member) is None:
        yield FieldError("sender_id", "Sender must belong to the same account as the campaign")


def check_schedule(
    scheduled_at: datetime, now: datetime, grace_seconds: int
) -> Iterator[FieldError]:
    """The time is in the future, or so little past that «now» was meant."""
    if scheduled_at < now - timedelta(seconds=grace_seconds):
        yield FieldError("scheduled_at", "Scheduled at must be in the future")
    if scheduled_at > now + timedelta(days=365 * LATEST_YEARS):
        yield FieldError(
            "scheduled_at", f"Scheduled at must be within the next {LATEST_YEARS} years"
        )


def check_audience(audience: list[dict[str, Any]]) -> Iterator[FieldError]:
    """There is at least one label left in the audience; see `existing_labels`."""
    if not audience:
        yield FieldError("audience", "Audience must name at least one label of the account")


def existing_labels(
    session: Session, account_id: int, audience: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The part of `audience` that are labels of this account, each once, as it is stored."""
    ids = [
        entry["id"]
        for entry in audience
        if entry.get("type") == "Label" and isinstance(entry.get("id"), int)
    ]
    found = set(
        session.scalars(select(Label.id).where(Label.account_id == account_id, Label.id.in_(ids)))
    )
    return [
        {"type": "Label", "id": label_id} for label_id in dict.fromkeys(ids) if label_id in found
    ]


def _check_text(field: str, name: str, value: str, longest: int) -> Iterator[FieldError]:
    if not value.strip():
        yield FieldError(field, f"{name} can't be blank")
    elif len(value) > longest:
        yield FieldError(field, f"{name} is too long (maximum is {longest} characters)")
    elif not is_storable(value):
        yield FieldError(field, f"{name} contains characters that are not text")
