"""Inbox, the channel behind it, its templates, and what its provider told."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns_app.accounts.models import Account
from campaigns_app.channels.templates import Template
from campaigns_app.database.types import Base, BigId, utcnow

TEMPLATE_NAME_LENGTH = 512
WORD_LENGTH = 40
"""A language, a status or a category of a template."""


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


class InboxTemplate(Base):
    """A template of an inbox, as its provider listed it last; what it does not list any more is
    deleted here, too."""

    __tablename__ = "inbox_templates"
    __table_args__ = (UniqueConstraint("inbox_id", "name", "language"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inboxes.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(TEMPLATE_NAME_LENGTH))
    language: Mapped[str] = mapped_column(String(WORD_LENGTH))
    status: Mapped[str] = mapped_column(String(WORD_LENGTH))
    category: Mapped[str] = mapped_column(String(WORD_LENGTH))
    components: Mapped[list[dict[str, Any]]] = mapped_column(default=list)

    @property
    def template(self) -> Template:
        """It, as channels know it."""
        return Template(self.name, self.language, self.status, self.category, self.components)


class TemplateSync(Base):
    """How the list of an inbox's templates stands: `synced_at` is when the provider gave it last,
    `fault` why it gave none when it was asked last, at `tried_at`; it is asked again at
    `due_at`."""

    __tablename__ = "template_syncs"

    inbox_id: Mapped[int] = mapped_column(
        ForeignKey("inboxes.id", ondelete="CASCADE"), primary_key=True
    )
    tried_at: Mapped[datetime]
    due_at: Mapped[datetime]
    synced_at: Mapped[datetime | None]
    fault: Mapped[str | None] = mapped_column(Text)


class ProviderEvent(Base):
    """One thing that a provider told through a callback: `event` as its channel understood it,
    `raw` the whole callback as it came, with one of its events only. `key` is the provider's own,
    so that what is told twice is kept once. `result` says what became of it when it was processed;
    until then it is looked at again at `due_at`. `recipient_id` is the row of a campaign's ledger
    that it is about, which may be deleted since.
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
