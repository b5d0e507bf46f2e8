"""Account, user, membership, access token, audit entry."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_login import UserMixin
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns_app.database.types import Base, BigId, utcnow

CAMPAIGNS_FEATURE = "campaigns"


class Role(StrEnum):
    """What a member may do in an account."""

    ADMINISTRATOR = "administrator"
    AGENT = "agent"


class Account(Base):
    """A tenant: everything else belongs to exactly one account.

    `quiet_hours` is the window in which messages may be sent, by each contact's own clock:
    `{"from": "08:00", "to": "21:00"}`; empty: at any time. The two counters hand out
    `display_id`s, which are numbered from 1 in each account and are not used again.
    """

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    locale: Mapped[str] = mapped_column(String(16), default="en")
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    features: Mapped[dict[str, Any]] = mapped_column(default=lambda: {CAMPAIGNS_FEATURE: True})
    quiet_hours: Mapped[dict[str, Any] | None]
    last_campaign_display_id: Mapped[int] = mapped_column(default=0)
    last_conversation_display_id: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    def has_feature(self, name: str) -> bool:
        """Whether the feature flag `name` is on; a flag never set is on."""
        return bool(self.features.get(name, True))


class User(UserMixin, Base):
    """A person who logs in.

    `time_zone` is empty until the browser has told its own or the person has chosen one.
    `session_number` is part of every session: raising it ends all of them. `phone_number` (E.164)
    is where they have messages of campaigns sent to try them.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    time_zone: Mapped[str] = mapped_column(String(64), default="")
    session_number: Mapped[int] = mapped_column(default=1)
    phone_number: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    memberships: Mapped[list["Membership"]] = relationship(
        back_populates="user", order_by="Membership.id", cascade="all, delete-orphan"
    )

    def get_id(self) -> str:
        """What the session keeps of this person; changes when their sessions are ended."""
        return f"{self.id}.{self.session_number}"


class Membership(Base):
    """A user's place in an account."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("account_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    account: Mapped[Account] = relationship()
    user: Mapped[User] = relationship(back_populates="memberships")

    @property
    def is_administrator(self) -> bool:
        """Whether this member may manage campaigns."""
        return self.role == Role.ADMINISTRATOR


class SetupLink(Base):
    """A one-time link with which the first administrator of an installation signs up.

    Only the digest of its token is kept.
    """

    __tablename__ = "setup_links"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class LoginThrottle(Base):
    """How often a password for one e-mail address was tried in vain of late; see `throttle`.

    `key` is a digest: the table does not tell whom strangers tried to be.
    """

    __tablename__ = "login_throttles"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    attempts: Mapped[int]
    last_attempt_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    retry_at: Mapped[datetime]


class AccessToken(Base):
    """A key for the JSON API, acting as one member of one account.

    The token itself is shown once; kept are its SHA-256 digest, and its first and last characters
    to recognise it by. A fast hash is enough: the token holds 256 random bits
    (OWASP ASVS 5.0, 11.5.1).
    """

    __tablename__ = "access_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(32))
    scopes: Mapped[list[str]] = mapped_column(default=lambda: ["campaigns"])
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class AuditEntry(Base):
    """Who did what, when, from where, and what it changed; only ever inserted."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "account_id", "id"),
        Index(None, "account_id", "user_id", "id"),
        Index(None, "account_id", "action", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    action: Mapped[str] = mapped_column(String(64))
    subject_type: Mapped[str | None] = mapped_column(String(64))
    subject_id: Mapped[int | None] = mapped_column(BigId)
    remote_address: Mapped[str | None] = mapped_column(String(64))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
