"""What providers tell us at an inbox's callback address: checked, understood, and kept.

What it means for campaigns is found out afterwards, by others: a provider waits for its answer.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from campaigns_app.channels.provider import (
    Account,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    ProviderChannel,
    ProviderEvent,
)
from campaigns_app.channels.registry import get_channels
from campaigns_app.channels.verdicts import LONGEST_CODE, LONGEST_ID
from campaigns_app.database.bulk import insert_new_rows
from campaigns_app.database.clock import database_now
from campaigns_app.database.text import is_storable, made_storable
from campaigns_app.database.transactions import reading
from campaigns_app.errors import NotFound
from campaigns_app.inboxes.models import TEMPLATE_NAME_LENGTH, WORD_LENGTH, Inbox
from campaigns_app.inboxes.models import ProviderEvent as KeptEvent
from campaigns_app.inboxes.provider_account import called_account_of

logger = logging.getLogger(__name__)

LONGEST_KEY = 255
LONGEST_REPLY = 4000

OTHER = "other"
"""The kind of what is kept as it came and holds no event that its channel knows."""
NOT_UNDERSTOOD = "not_understood"
"""What became of it."""


@dataclass(frozen=True, slots=True)
class CalledInbox:
    """The inbox whose callback address was called, and its account with its provider."""

    id: int
    account_id: int
    channel: ProviderChannel
    account: Account


def callback_token_for(inbox_type: str) -> str | None:
    """What is to stand in the callback address of a new inbox of this type, unguessable; None
    where no provider calls."""
    is_called = isinstance(get_channels().get(inbox_type), ProviderChannel)
    return secrets.token_hex(32) if is_called else None


def find_called_inbox(session: Session, slug: str, token: str) -> CalledInbox:
    """The inbox with that callback address, read in a transaction of its own.

    Ends the present one first. Raises `NotFound`, and `SecretsLocked` where the provider's words
    cannot be checked.
    """
    if not is_storable(token):
        raise NotFound("no inbox has that callback address")
    session.rollback()
    with reading(session):
        inbox = session.scalar(
            select(Inbox).where(Inbox.callback_token == token).options(joinedload(Inbox.channel))
        )
        if inbox is None or inbox.inbox_type not in get_channels():
            raise NotFound("no inbox has that callback address")
        channel = get_channels().get(inbox.inbox_type)
        if not isinstance(channel, ProviderChannel) or channel.callback_slug != slug:
            raise NotFound("no inbox has that callback address")
        return CalledInbox(inbox.id, inbox.account_id, channel, called_account_of(inbox))


def read_events(called: CalledInbox, request: CallbackRequest) -> Sequence[ProviderEvent]:
    """What the request tells. Raises `CallbackRefused` when it does not prove where it comes from,
    and `ValueError` when it cannot be understood."""
    try:
        return called.channel.read_callback(called.account, request)
    except (CallbackRefused, ValueError):
        raise
    # A channel may be somebody else's, and what is sent to it anything at all.
    except Exception as error:
        logger.exception("Channel %s cannot read a callback", called.channel.name)
        raise ValueError("the callback cannot be read") from error


def keep_events(
    session: Session, called: CalledInbox, events: Sequence[ProviderEvent], body: bytes
) -> None:
    """Keep the events, each once however often it is told; `body`, as it came, with one of those
    that are new, or by itself where it tells of nothing that its channel knows. Commits."""
    now = session.scalar(select(database_now()))
    raw = made_storable(body.decode(errors="replace"))
    rows: list[dict[str, Any]] = [
        {
            "account_id": called.account_id,
            "inbox_id": called.id,
            "key": _short_key(event.key),
            "kind": event.kind.value,
            "event": dict(_written(event)),
            "raw": "",
            "received_at": now,
            "due_at": now,
        }
        for event in events
    ]
    rows.sort(key=lambda row: str(row["key"]))
    if not rows:
        rows = [_told_nothing(called, body, now)]
    rows[0]["raw"] = raw
    new = insert_new_rows(session, KeptEvent, rows, "key")
    if new and rows[0]["key"] not in new:
        has_raw = (KeptEvent.inbox_id == called.id) & (KeptEvent.key == min(new))
        session.execute(update(KeptEvent).where(has_raw).values(raw=raw))
    session.commit()


def _told_nothing(called: CalledInbox, body: bytes, now: datetime | None) -> dict[str, Any]:
    """The row of a callback without an event that its channel knows: nobody has to look at it."""
    return {
        "account_id": called.account_id,
        "inbox_id": called.id,
        "key": f"body:{sha256(body).hexdigest()}",
        "kind": OTHER,
        "event": {},
        "received_at": now,
        "due_at": now,
        "processed_at": now,
        "result": NOT_UNDERSTOOD,
    }


def event_of(kept: KeptEvent) -> ProviderEvent:
    """What was kept, as its channel understood it. `at` is when it happened, or when it was told
    where the provider does not say, or says that it is yet to come."""
    words = {name: value for name, value in kept.event.items() if name != "at"}
    at = datetime.fromisoformat(kept.event["at"]) if "at" in kept.event else kept.received_at
    return ProviderEvent(
        key=kept.key, kind=EventKind(kept.kind), at=min(at, kept.received_at), **words
    )


def _short_key(key: str) -> str:
    key = made_storable(key)
    return key if len(key) <= LONGEST_KEY else sha256(key.encode()).hexdigest()


def _written(event: ProviderEvent) -> Iterator[tuple[str, str]]:
    """What the event says, as JSON that every database takes."""
    if event.at is not None:
        at = event.at if event.at.tzinfo else event.at.replace(tzinfo=UTC)
        yield "at", at.astimezone(UTC).isoformat()
    bounds = {
        "delivery_id": LONGEST_ID,
        "provider_message_id": LONGEST_ID,
        "address": LONGEST_ID,
        "code": LONGEST_CODE,
        "text": LONGEST_REPLY,
        "template_name": TEMPLATE_NAME_LENGTH,
        "template_language": WORD_LENGTH,
    }
    for name, longest in bounds.items():
        value = getattr(event, name)
        if value:
            yield name, made_storable(str(value), longest)
