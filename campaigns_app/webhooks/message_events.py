"""Telling that a message has changed, such as when its delivery is confirmed or fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from campaigns_app.webhooks.events import MESSAGE_UPDATED
from campaigns_app.webhooks.opening import Opened, Opening
from campaigns_app.webhooks.outbox import Event, tell


@dataclass(frozen=True, slots=True)
class MessageChange:
    """A message as it is now, in its conversation, and what its changed attributes were before,
    such as `{"status": "sent"}`. `conversation_id` is the row's, not the `display_id`."""

    conversation_id: int
    opening: Opening
    opened: Opened
    before: Mapping[str, Any]


def record_message_updates(
    session: Session,
    account_id: int,
    inbox_id: int,
    read_changes: Callable[[], Sequence[MessageChange]],
    now: datetime,
) -> None:
    """Tell of changed messages of one inbox, an event for each; also the inbox's own endpoint.

    `read_changes` is not asked where nobody wants to know. Does not commit.
    """

    def events() -> list[Event]:
        return [
            Event(
                MESSAGE_UPDATED,
                change.opening.told_as_updated(change.opened, change.before),
                change.conversation_id,
                change.opening.campaign_id,
            )
            for change in read_changes()
        ]

    tell(session, account_id, (MESSAGE_UPDATED,), events, now, inbox_id=inbox_id)
