"""The JSON in which conversations that a campaign opens, and their messages, are told.

Keys, nesting and the differing types of the same fact in different places (`message_type` is a
number inside a conversation and a word in `message_created`) are those of Chatwoot, so that its
consumers work unchanged.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from campaigns_app.webhooks.events import (
    CONVERSATION_CREATED,
    MESSAGE_CREATED,
    MESSAGE_UPDATED,
    changed_attributes,
    contact_object,
    iso,
    to_json,
)


class Opened(NamedTuple):
    """A conversation that was opened with one outgoing message. `contact` holds the values of the
    contact's columns by name; `conversation_id` is the `display_id`, as everywhere outside the
    database."""

    contact: Mapping[str, Any]
    contact_inbox_id: int
    source_id: str
    contact_inbox_created_at: datetime
    conversation_id: int
    message_id: int
    content: str


class Opening:
    """Conversations that were opened at one time in one inbox by one campaign.

    There are hundreds in a transaction, each told in two events. What they have in common is put
    together once, the rest is filled in for each.
    """

    def __init__(
        self,
        *,
        account: Mapping[str, Any],
        inbox: Mapping[str, Any],
        channel: str,
        sender: Mapping[str, Any] | None,
        campaign_id: int,
        at: datetime,
        status: str = "sent",
        updated_at: datetime | None = None,
    ) -> None:
        """`account`, `inbox` and `sender` are values of columns by name; `status` is what the
        messages have now, since `updated_at`."""
        self.campaign_id = campaign_id
        self._account = {"id": account["id"], "name": account["name"]}
        self._inbox = {"id": inbox["id"], "name": inbox["name"]}
        self._channel = channel
        self._sender = None if sender is None else _user_object(sender)
        self._at = at
        self._status = status
        self._updated_at = updated_at or at
        self._contact_inbox = self._blank_contact_inbox()
        self._reference: dict[str, Any] = {"source_id": None}
        self._nested = self._blank_nested_message()
        self._meta = _blank_meta()
        self._conversation = self._blank_conversation()
        self._message = self._blank_message()

    def payloads(self, opened: Opened) -> dict[str, str]:
        """The JSON text of each event that tells of the opening, by event type."""
        self._fill_in(opened)
        conversation, message = to_json(self._conversation), to_json(self._message)
        return {
            CONVERSATION_CREATED: f'{conversation[:-1]},"event":"{CONVERSATION_CREATED}"}}',
            MESSAGE_CREATED: (
                f'{message[:-1]},"conversation":{conversation},"event":"{MESSAGE_CREATED}"}}'
            ),
        }

    def told_as_updated(self, opened: Opened, before: Mapping[str, Any]) -> str:
        """The JSON text of `message_updated`, for a message that now has this `status`; `before`
        is what its changed attributes were."""
        self._fill_in(opened)
        return to_json(
            {
                **self._message,
                "conversation": self._conversation,
                "changed_attributes": changed_attributes(before, {"status": self._status}),
                "event": MESSAGE_UPDATED,
            }
        )

    def _fill_in(self, opened: Opened) -> None:
        """Put everything that differs into its places; they are None where nothing was yet."""
        known_since = iso(opened.contact_inbox_created_at)
        contact_inbox = self._contact_inbox
        contact_inbox["id"] = opened.contact_inbox_id
        contact_inbox["contact_id"] = opened.contact["id"]
        contact_inbox["source_id"] = self._reference["source_id"] = opened.source_id
        contact_inbox["created_at"] = contact_inbox["updated_at"] = known_since
        self._meta["sender"] = {**contact_object(opened.contact), "type": "contact"}
        nested, message = self._nested, self._message
        nested["id"] = message["id"] = opened.message_id
        nested["content"] = nested["processed_message_content"] = opened.content
        message["content"] = opened.content
        nested["conversation_id"] = self._conversation["id"] = opened.conversation_id

    def _blank_contact_inbox(self) -> dict[str, Any]:
        return {
            "id": None,
            "contact_id": None,
            "inbox_id": self._inbox["id"],
            "source_id": None,
            "created_at": None,
            "updated_at": None,
            "hmac_verified": False,
            "pubsub_token": None,
        }

    def _blank_conversation(self) -> dict[str, Any]:
        seconds = int(self._at.timestamp())
        return {
            "additional_attributes": {},
            "can_reply": True,
            "channel": self._channel,
            "contact_inbox": self._contact_inbox,
            "id": None,
            "inbox_id": self._inbox["id"],
            "messages": [self._nested],
            "labels": [],
            "meta": self._meta,
            "status": "open",
            "custom_attributes": {},
            "snoozed_until": None,
            "unread_count": 0,
            "first_reply_created_at": None,
            "priority": None,
            "waiting_since": seconds,
            "agent_last_seen_at": 0,
            "contact_last_seen_at": 0,
            "last_activity_at": seconds,
            "timestamp": seconds,
            "created_at": seconds,
            "updated_at": self._at.timestamp(),
            "account": self._account,
        }

    def _blank_nested_message(self) -> dict[str, Any]:
        seconds = int(self._at.timestamp())
        message: dict[str, Any] = {
            "id": None,
            "content": None,
            "account_id": self._account["id"],
            "inbox_id": self._inbox["id"],
            "conversation_id": None,
            "message_type": 1,
            "created_at": seconds,
            "updated_at": iso(self._updated_at),
            "private": False,
            "status": self._status,
            "source_id": None,
            "content_type": "text",
            "content_attributes": {},
            "sender_type": "User" if self._sender else None,
            "sender_id": self._sender["id"] if self._sender else None,
            "external_source_ids": {},
            "additional_attributes": {"campaign_id": self.campaign_id},
            "processed_message_content": None,
            "sentiment": {},
            "conversation": {
                "assignee_id": None,
                "unread_count": 0,
                "last_activity_at": seconds,
                "contact_inbox": self._reference,
            },
        }
        if self._sender:
            message["sender"] = self._sender
        return message

    def _blank_message(self) -> dict[str, Any]:
        return {
            "account": self._account,
            "additional_attributes": {"campaign_id": self.campaign_id},
            "content_attributes": {},
            "content_type": "text",
            "content": None,
            "created_at": iso(self._at),
            "id": None,
            "inbox": self._inbox,
            "message_type": "outgoing",
            "private": False,
            "sender": self._sender,
            "source_id": None,
        }


def _blank_meta() -> dict[str, Any]:
    return {
        "sender": None,
        "assignee": None,
        "assignee_type": None,
        "team": None,
        "hmac_verified": False,
    }


def _user_object(sender: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": sender["id"],
        "name": sender["name"],
        "email": sender["email"],
        "type": "user",
    }
