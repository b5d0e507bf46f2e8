"""Inbox, and the channel behind it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns_app.accounts.models import Account
from campaigns_app.database.types import Base, BigId, utcnow


class Channel(Base):
    """The settings of one inbox's way out: what they mean is the business of the channel
    registered under `type`. `settings` may be shown; `secrets` never leaves the server."""

    __tablename__ = "channels"
    __table_args__ = (UniqueConstraint("account_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(String(40))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    secrets: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class Inbox(Base):
    """A named place from which messages leave. `inbox_type` is the registered channel's name
    (`API`, `Whatsapp`, `Twilio SMS`, `Sms`)."""

    __tablename__ = "inboxes"
    __table_args__ = (
        UniqueConstraint("account_id", "id"),
        UniqueConstraint("account_id", "name"),
        ForeignKeyConstraint(["account_id", "channel_id"], ["channels.account_id", "channels.id"]),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    channel_id: Mapped[int] = mapped_column(BigId)
    name: Mapped[str] = mapped_column(String(255))
    inbox_type: Mapped[str] = mapped_column(String(40))
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    account: Mapped[Account] = relationship(viewonly=True)
    channel: Mapped[Channel] = relationship(viewonly=True)
