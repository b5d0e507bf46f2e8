"""What endpoints can be told of, and the JSON in which conversations and messages are told.

Keys, nesting and the differing types of the same fact in different places (`message_type` is a
number inside a conversation and a word in `message_created`) are those of Chatwoot, so that its
consumers work unchanged. The conversation is written once and used in both events: there is one
of each for every recipient of a campaign. `schemas` describes every payload.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

CONVERSATION_CREATED = "conversation_created"
MESSAGE_CREATED = "message_created"
MESSAGE_UPDATED = "message_updated"
CONTACT_CREATED = "contact_created"
CONTACT_UPDATED = "contact_updated"
CAMPAIGN_STARTED = "campaign_started"
CAMPAIGN_FINISHED = "campaign_finished"
CAMPAIGN_PAUSED = "campaign_paused"
CAMPAIGN_CANCELLED = "campaign_cancelled"
RECIPIENT_UPDATED = "recipient_updated"

OPENING_EVENTS = (CONVERSATION_CREATED, MESSAGE_CREATED)
"""What is told of a conversation that a campaign opens, in this order."""

CONVERSATION_EVENTS = (*OPENING_EVENTS, MESSAGE_UPDATED)
"""What an API inbox's own endpoint is told, whatever its subscriptions."""

CONTACT_EVENTS = (CONTACT_CREATED, CONTACT_UPDATED)

CHATWOOTS_EVENTS = (*CONVERSATION_EVENTS, *CONTACT_EVENTS)
"""Those that Chatwoot has, too: what an endpoint is told that does not say what it wants."""

CAMPAIGN_EVENTS = (CAMPAIGN_STARTED, CAMPAIGN_FINISHED, CAMPAIGN_PAUSED, CAMPAIGN_CANCELLED)

EVENT_TYPES = (*CHATWOOTS_EVENTS, *CAMPAIGN_EVENTS, RECIPIENT_UPDATED)


@dataclass(frozen=True, slots=True)
class OpenedConversation:
    """A conversation that was opened with one outgoing message; plain values, by column name
    where a mapping. `conversation_id` is the `display_id`, as everywhere outside the database."""

    account: Mapping[str, Any]
    inbox: Mapping[str, Any]
    channel: str
    sender: Mapping[str, Any] | None
    contact: Mapping[str, Any]
    contact_inbox_id: int
    source_id: str
    contact_inbox_created_at: datetime
    conversation_id: int
    message_id: int
    content: str
    campaign_id: int
    at: datetime
    status: str = "sent"
    updated_at: datetime | None = None

    def payloads(self) -> dict[str, str]:
        """The JSON text of each event, by event type."""
        conversation, message = to_json(self._conversation()), to_json(self._message())
        return {
            CONVERSATION_CREATED: f'{conversation[:-1]},"event":"{CONVERSATION_CREATED}"}}',
            MESSAGE_CREATED: (
                f'{message[:-1]},"conversation":{conversation},"event":"{MESSAGE_CREATED}"}}'
            ),
        }

    def told_as_updated(self, before: Mapping[str, Any]) -> str:
        """The JSON text of `message_updated`, for a message that now has this `status`; `before`
        is what its changed attributes were."""
        now = {"status": self.status}
        return to_json(
            {
                **self._message(),
                "conversation": self._conversation(),
                "changed_attributes": changed_attributes(before, now),
                "event": MESSAGE_UPDATED,
            }
        )

    def _conversation(self) -> dict[str, Any]:
        seconds = int(self.at.timestamp())
        return {
            "additional_attributes": {},
            "can_reply": True,
            "channel": self.channel,
            "contact_inbox": {
                "id": self.contact_inbox_id,
                "contact_id": self.contact["id"],
                "inbox_id": self.inbox["id"],
                "source_id": self.source_id,
                "created_at": iso(self.contact_inbox_created_at),
                "updated_at": iso(self.contact_inbox_created_at),
                "hmac_verified": False,
                "pubsub_token": None,
            },
            "id": self.conversation_id,
            "inbox_id": self.inbox["id"],
            "messages": [self._nested_message(seconds)],
            "labels": [],
            "meta": {
                "sender": {**contact_object(self.contact), "type": "contact"},
                "assignee": None,
                "assignee_type": None,
                "team": None,
                "hmac_verified": False,
            },
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
            "updated_at": self.at.timestamp(),
            "account": dict(self.account),
        }

    def _nested_message(self, seconds: int) -> dict[str, Any]:
        message: dict[str, Any] = {
            "id": self.message_id,
            "content": self.content,
            "account_id": self.account["id"],
            "inbox_id": self.inbox["id"],
            "conversation_id": self.conversation_id,
            "message_type": 1,
            "created_at": seconds,
            "updated_at": iso(self.updated_at or self.at),
            "private": False,
            "status": self.status,
            "source_id": None,
            "content_type": "text",
            "content_attributes": {},
            "sender_type": "User" if self.sender else None,
            "sender_id": self.sender["id"] if self.sender else None,
            "external_source_ids": {},
            "additional_attributes": {"campaign_id": self.campaign_id},
            "processed_message_content": self.content,
            "sentiment": {},
            "conversation": {
                "assignee_id": None,
                "unread_count": 0,
                "last_activity_at": seconds,
                "contact_inbox": {"source_id": self.source_id},
            },
        }
        if self.sender:
            message["sender"] = self._sender()
        return message

    def _message(self) -> dict[str, Any]:
        return {
            "account": dict(self.account),
            "additional_attributes": {"campaign_id": self.campaign_id},
            "content_attributes": {},
            "content_type": "text",
            "content": self.content,
            "created_at": iso(self.at),
            "id": self.message_id,
            "inbox": {"id": self.inbox["id"], "name": self.inbox["name"]},
            "message_type": "outgoing",
            "private": False,
            "sender": self._sender(),
            "source_id": None,
        }

    def _sender(self) -> dict[str, Any] | None:
        if self.sender is None:
            return None
        return {
            "id": self.sender["id"],
            "name": self.sender["name"],
            "email": self.sender["email"],
            "type": "user",
        }


def contact_object(contact: Mapping[str, Any]) -> dict[str, Any]:
    """A contact, by column name, as every event shows it."""
    return {
        "additional_attributes": contact["additional_attributes"],
        "custom_attributes": contact["custom_attributes"],
        "email": contact["email"],
        "id": contact["id"],
        "identifier": contact["identifier"],
        "name": contact["name"],
        "phone_number": contact["phone_number"],
        "thumbnail": "",
        "blocked": contact["blocked"],
    }


def changed_attributes(
    before: Mapping[str, Any], now: Mapping[str, Any]
) -> list[dict[str, dict[str, Any]]]:
    """What is different now, as Chatwoot tells it. Only what is in `before` is compared."""
    return [
        {name: {"previous_value": value, "current_value": now[name]}}
        for name, value in before.items()
        if value != now[name]
    ]


def to_json(value: Mapping[str, Any]) -> str:
    """The text that is signed and sent."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        # A whole number of more than 64 bits among somebody's attributes.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=16)
def iso(at: datetime) -> str:
    """The time as Chatwoot writes it; all rows of a chunk have the same."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
