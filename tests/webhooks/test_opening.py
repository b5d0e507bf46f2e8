"""Many conversations told through one form: each says its own facts, and only those."""

import json

from tests.webhooks.scenes import OPENED, OPENING


def test_what_one_conversation_said_is_not_left_in_the_next() -> None:
    contact = {**OPENED.contact, "id": 30, "name": "Zoë", "phone_number": None}
    other = OPENED._replace(
        contact=contact,
        contact_inbox_id=40,
        source_id="other",
        conversation_id=50,
        message_id=60,
        content="Bonjour",
    )
    first = OPENING.payloads(OPENED)

    second = {name: json.loads(text) for name, text in OPENING.payloads(other).items()}

    conversation = second["conversation_created"]
    assert conversation["contact_inbox"]["id"] == 40
    assert conversation["contact_inbox"]["contact_id"] == 30
    assert conversation["messages"][0]["conversation"]["contact_inbox"]["source_id"] == "other"
    assert conversation["messages"][0]["content"] == "Bonjour"
    assert conversation["meta"]["sender"]["name"] == "Zoë"
    message = second["message_created"]
    assert (message["id"], message["content"]) == (60, "Bonjour")
    assert message["conversation"] == {
        key: value for key, value in conversation.items() if key != "event"
    }
    assert OPENING.payloads(OPENED) == first
