"""Inbox, and the channel behind it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
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
    (`API`, `Whatsapp`, `Twilio SMS`, `Sms`).

    For a channel that sends through a provider: `rate` is what it may send in a second, in the
    channel's unit, if other than usual; `callback_token` stands in the address that the provider
    calls; `halted_at` and `halt_reason` say since when and why nothing can leave until a person
    has done something about it.
    """

    __tablename__ = "inboxes"
    __table_args__ = (
        UniqueConstraint("account_id", "id"),
        UniqueConstraint("account_id", "name"),
        ForeignKeyConstraint(["account_id", "channel_id"], ["channels.account_id", "channels.id"]),
        Index(None, "callback_token", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    channel_id: Mapped[int] = mapped_column(BigId)
    name: Mapped[str] = mapped_column(String(255))
    inbox_type: Mapped[str] = mapped_column(String(40))
    enabled: Mapped[bool] = mapped_column(default=True)
    rate: Mapped[float | None]
    callback_token: Mapped[str | None] = mapped_column(String(64))
    halted_at: Mapped[datetime | None]
    halt_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    account: Mapped[Account] = relationship(viewonly=True)
    channel: Mapped[Channel] = relationship(viewonly=True)


class ProviderEvent(Base):
    """One thing that a provider told through a callback: `raw` as it came, `event` as its channel
    understood it. `key` is the provider's own, so that what is told twice is kept once. `result`
    says what became of it when it was processed; until then it is looked at again at `due_at`.
    `recipient_id` is the row of a campaign's ledger that it is about, which may be deleted since.
    """

    __tablename__ = "provider_events"
    __table_args__ = (
        UniqueConstraint("inbox_id", "key"),
        Index(
            "ix_provider_events_waiting",
            "due_at",
            sqlite_where=text("processed_at IS NULL"),
            postgresql_where=text("processed_at IS NULL"),
        ),
        Index(
            None,
            "recipient_id",
            sqlite_where=text("recipient_id IS NOT NULL"),
            postgresql_where=text("recipient_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(20))
    event: Mapped[dict[str, Any]] = mapped_column(default=dict)
    raw: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(default=utcnow)
    due_at: Mapped[datetime] = mapped_column(default=utcnow)
    recipient_id: Mapped[int | None] = mapped_column(BigId)
    processed_at: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(String(40))
