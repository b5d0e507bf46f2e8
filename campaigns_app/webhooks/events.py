"""What endpoints can be told of, and what all payloads have in common; `schemas` describes each."""

import json
from collections.abc import Mapping
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
WEBHOOK_TEST = "webhook_test"
"""Nobody subscribes to it: it is sent because somebody asked for it."""

OPENING_EVENTS = (CONVERSATION_CREATED, MESSAGE_CREATED)
"""What is told of a conversation that a campaign opens, in this order."""

CONVERSATION_EVENTS = (*OPENING_EVENTS, MESSAGE_UPDATED)
"""What an API inbox's own endpoint is told, whatever its subscriptions."""

CONTACT_EVENTS = (CONTACT_CREATED, CONTACT_UPDATED)

CHATWOOTS_EVENTS = (*CONVERSATION_EVENTS, *CONTACT_EVENTS)
"""Those that Chatwoot has, too: what an endpoint is told that does not say what it wants."""

CAMPAIGN_EVENTS = (CAMPAIGN_STARTED, CAMPAIGN_FINISHED, CAMPAIGN_PAUSED, CAMPAIGN_CANCELLED)

EVENT_TYPES = (*CHATWOOTS_EVENTS, *CAMPAIGN_EVENTS, RECIPIENT_UPDATED)


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
