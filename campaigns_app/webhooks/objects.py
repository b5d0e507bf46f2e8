"""What conversations, messages and contacts look like inside payloads; `schemas` has the events.

Where Chatwoot writes the same fact in two ways, so do these models.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

UnixSeconds = Annotated[int, Field(description="Whole Unix seconds.")]
IsoTime = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", description="ISO 8601, UTC.")
]
Attributes = dict[str, Any]
Count = Annotated[int, Field(ge=0)]


class Exact(BaseModel):
    """An object that has these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AccountReference(Exact):
    """The account in which something happened."""

    id: int
    name: str


class InboxReference(Exact):
    """The inbox in which something happened."""

    id: int
    name: str


class UserObject(Exact):
    """The person in whose name a message was written."""

    id: int
    name: str
    email: str
    type: Literal["user"]


class ContactFacts(Exact):
    """A contact; one of e-mail, phone number (E.164) and identifier is there."""

    additional_attributes: Attributes
    custom_attributes: Attributes
    email: str | None
    id: int
    identifier: str | None
    name: str
    phone_number: str | None
    thumbnail: str
    blocked: bool


class ContactSender(ContactFacts):
    """A contact as the other side of a conversation."""

    type: Literal["contact"]


class ContactInboxObject(Exact):
    """The contact as the inbox knows it, under `source_id`."""

    id: int
    contact_id: int
    inbox_id: int
    source_id: str
    created_at: IsoTime
    updated_at: IsoTime
    hmac_verified: bool
    pubsub_token: str | None


class SourceReference(Exact):
    """Under which name the inbox knows the contact."""

    source_id: str


class ConversationReference(Exact):
    """The conversation of a nested message."""

    assignee_id: int | None
    unread_count: Count
    last_activity_at: UnixSeconds
    contact_inbox: SourceReference


class CampaignReference(Exact):
    """Which campaign wrote a message."""

    campaign_id: int


class NestedMessage(Exact):
    """A message inside a conversation: `message_type` is a number here (1 is outgoing)."""

    id: int
    content: str
    account_id: int
    inbox_id: int
    conversation_id: Annotated[int, Field(description="The conversation's display id.")]
    message_type: Literal[0, 1, 2, 3]
    created_at: UnixSeconds
    updated_at: IsoTime
    private: bool
    status: Literal["sent", "delivered", "read", "failed"]
    source_id: str | None
    content_type: Literal["text"]
    content_attributes: Attributes
    sender_type: Literal["User"] | None
    sender_id: int | None
    external_source_ids: Attributes
    additional_attributes: CampaignReference
    processed_message_content: str
    sentiment: Attributes
    conversation: ConversationReference
    # Where nobody wrote it, the key is missing.
    sender: Annotated[
        UserObject | SkipJsonSchema[None],
        Field(json_schema_extra=lambda schema: schema.pop("default", None)),
    ] = None


class ConversationMeta(Exact):
    """Who takes part in a conversation."""

    sender: ContactSender
    assignee: UserObject | None
    assignee_type: Literal["User", "AgentBot"] | None
    team: Attributes | None
    hmac_verified: bool


class ConversationFacts(Exact):
    """A conversation; `id` is its display id, `messages` holds its last message."""

    additional_attributes: Attributes
    can_reply: bool
    channel: str
    contact_inbox: ContactInboxObject
    id: int
    inbox_id: int
    messages: Annotated[list[NestedMessage], Field(max_length=1)]
    labels: list[str]
    meta: ConversationMeta
    status: Literal["open", "resolved", "pending", "snoozed"]
    custom_attributes: Attributes
    snoozed_until: UnixSeconds | None
    unread_count: Count
    first_reply_created_at: UnixSeconds | None
    priority: Literal["low", "medium", "high", "urgent"] | None
    waiting_since: UnixSeconds
    agent_last_seen_at: UnixSeconds
    contact_last_seen_at: UnixSeconds
    last_activity_at: UnixSeconds
    timestamp: UnixSeconds
    created_at: UnixSeconds
    updated_at: Annotated[float, Field(description="Unix seconds with a fraction.")]
    account: AccountReference


class MessageFacts(Exact):
    """A message with its conversation: `message_type` is a word here, `created_at` ISO 8601."""

    account: AccountReference
    additional_attributes: CampaignReference
    content_attributes: Attributes
    content_type: Literal["text"]
    content: str
    created_at: IsoTime
    id: int
    inbox: InboxReference
    message_type: Literal["incoming", "outgoing", "template"]
    private: bool
    sender: UserObject | None
    source_id: str | None
    conversation: ConversationFacts
