"""What an integration tells of the conversations that campaigns opened in its API inbox."""

from typing import Annotated, Any, Literal

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from campaigns_app.api.auth import api_account
from campaigns_app.api.body import read_json
from campaigns_app.api.shapes import unix_time
from campaigns_app.campaigns.message_status import report_message
from campaigns_app.conversations.models import Conversation, Message, MessageStatus
from campaigns_app.database.text import is_storable
from campaigns_app.database.types import utcnow
from campaigns_app.errors import FieldError, InvalidInput
from campaigns_app.webhooks.objects import Exact, UnixSeconds

conversations = Blueprint("conversations", __name__)

REASONS = {
    "status": "must be sent, delivered, read or failed",
    "external_error": "must be text of at most 1000 characters",
}


class MessageParams(BaseModel):
    """How far a message got; `external_error` is why it failed."""

    model_config = ConfigDict(strict=True)

    status: Literal["sent", "delivered", "read", "failed"]
    external_error: Annotated[str, Field(max_length=1000)] | None = None


class MessageObject(Exact):
    """A campaign's message; `conversation_id` is the conversation's number, and
    `content_attributes` says why the message failed, if it did."""

    id: int
    content: str
    account_id: int
    inbox_id: int
    conversation_id: int
    message_type: int
    content_type: str
    status: Literal["sent", "delivered", "read", "failed"]
    content_attributes: dict[str, str]
    private: bool
    source_id: str | None
    created_at: UnixSeconds


@conversations.patch("/<int:conversation_id>/messages/<int:message_id>")
def update_message(conversation_id: int, message_id: int) -> Response:
    """Say how far a campaign's message got: it was delivered, read, or it failed.

    `conversation_id` is the number of the conversation, the `id` in its events. A status only
    moves forward; one that is older than what is known changes nothing.
    """
    wanted = _read(read_json())
    message, conversation = report_message(
        api_account(),
        conversation_id,
        message_id,
        MessageStatus(wanted.status),
        error=wanted.external_error or "",
        now=utcnow(),
    )
    return jsonify(_message_object(message, conversation))


def _read(given: dict[str, Any]) -> MessageParams:
    try:
        wanted = MessageParams.model_validate(given)
    except ValidationError as error:
        names = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors())
    else:
        if is_storable(wanted.external_error or ""):
            return wanted
        names = {"external_error": None}
    raise InvalidInput(
        FieldError(name, f"{name.replace('_', ' ').capitalize()} {REASONS[name]}") for name in names
    )


def _message_object(message: Message, conversation: Conversation) -> dict[str, Any]:
    error = message.external_error
    return {
        "id": message.id,
        "content": message.content,
        "account_id": message.account_id,
        "inbox_id": message.inbox_id,
        "conversation_id": conversation.display_id,
        "message_type": message.message_type,
        "content_type": message.content_type,
        "status": message.status,
        "content_attributes": {"external_error": error} if error else {},
        "private": message.private,
        "source_id": message.source_id,
        "created_at": unix_time(message.created_at),
    }
