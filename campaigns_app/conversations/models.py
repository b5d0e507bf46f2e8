"""Contact inbox, conversation, message."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from campaigns_app.database.types import Base, BigId, utcnow


class ConversationStatus(StrEnum):
    """Where a conversation stands with the agents."""

    OPEN = "open"
    RESOLVED = "resolved"
    PENDING = "pending"


class MessageType(IntEnum):
    """Which way a message goes."""

    INCOMING = 0
    OUTGOING = 1


class MessageStatus(StrEnum):
    """How far an outgoing message got."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class ContactInbox(Base):
    """A contact as an inbox knows it, under `source_id`.

    At most one for each contact and inbox, so that a second campaign finds the first one's.
    """

    __tablename__ = "contact_inboxes"
    __table_args__ = (
        UniqueConstraint("inbox_id", "contact_id"),
        UniqueConstraint("inbox_id", "source_id"),
        Index(None, "contact_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id", ondelete="CASCADE"))
    source_id: Mapped[str] = mapped_column(String(255))
    hmac_verified: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class Conversation(Base):
    """A thread with one contact in one inbox.

    A campaign makes at most one with each contact: the unique index is what makes that hold
    under any crash, retry or double run. `contact_id` and `contact_inbox_id` become empty when
    the contact is deleted; the thread stays.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("account_id", "display_id"),
        Index(
            "uq_conversations_campaign_id_contact_id",
            "campaign_id",
            "contact_id",
            unique=True,
            sqlite_where=text("campaign_id IS NOT NULL"),
            postgresql_where=text("campaign_id IS NOT NULL"),
        ),
        Index(None, "contact_id"),
        Index(None, "contact_inbox_id"),
        Index(None, "inbox_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    contact_inbox_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact_inboxes.id", ondelete="SET NULL")
    )
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id", ondelete="SET NULL"))
    display_id: Mapped[int] = mapped_column(Integer)
    uuid: Mapped[str] = mapped_column(String(36), default=lambda: str(uuid4()))
    status: Mapped[str] = mapped_column(String(10), default=ConversationStatus.OPEN)
    additional_attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    custom_attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    waiting_since: Mapped[datetime | None]
    last_activity_at: Mapped[datetime] = mapped_column(default=utcnow)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class Message(Base):
    """One message of a conversation. `sender_id` is the user in whose name an outgoing message
    was written, if any."""

    __tablename__ = "messages"
    __table_args__ = (Index(None, "conversation_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    content: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(String(20), default="text")
    message_type: Mapped[int] = mapped_column(SmallInteger)
    private: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(10), default=MessageStatus.SENT)
    source_id: Mapped[str | None] = mapped_column(String(255))
    external_error: Mapped[str | None] = mapped_column(Text)
    content_attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    additional_attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
