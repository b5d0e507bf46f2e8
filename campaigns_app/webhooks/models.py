"""Webhook endpoint, event, delivery, block, attempt."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns_app.database.types import Base, BigId, IdList, Json, utcnow
from campaigns_app.webhooks.bundle_model import WebhookBundle, as_bundle_says
from campaigns_app.webhooks.states import DeliveryState


class DisabledReason(StrEnum):
    """Why an endpoint is told of nothing."""

    BY_HAND = "by_hand"
    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """It has only failed for days."""


class WebhookEndpoint(Base):
    """A URL that is told of events.

    `inbox_id` is set for the endpoint that is an API inbox's own `webhook_url`: it is told
    everything that happens in that inbox, and nothing else, whatever its subscriptions.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        UniqueConstraint("account_id", "id"),
        UniqueConstraint("inbox_id"),
        Index(
            "uq_webhook_endpoints_account_id_url",
            "account_id",
            "url",
            unique=True,
            sqlite_where=text("inbox_id IS NULL"),
            postgresql_where=text("inbox_id IS NULL"),
        ),
        ForeignKeyConstraint(
            ["account_id", "inbox_id"], ["inboxes.account_id", "inboxes.id"], ondelete="CASCADE"
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    inbox_id: Mapped[int | None] = mapped_column(BigId)
    name: Mapped[str] = mapped_column(String(255), default="")
    url: Mapped[str] = mapped_column(String(2048))
    secret: Mapped[str] = mapped_column(String(128))
    previous_secret: Mapped[str | None] = mapped_column(String(128))
    previous_secret_expires_at: Mapped[datetime | None]
    subscriptions: Mapped[list[str]] = mapped_column(default=list)
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    batch_size: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    """How many events may be told in one request; 1: each in a request of its own."""
    enabled: Mapped[bool] = mapped_column(default=True)
    disabled_reason: Mapped[str | None] = mapped_column(String(255))
    first_failure_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    """Until then it is left alone, by the database's clock."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class WebhookEvent(Base):
    """Something that happened, as it is told: `payload` is the exact text that is signed and
    sent, `uid` the `webhook-id` that is the same on every attempt."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        Index(None, "account_id", "id"),
        Index(None, "campaign_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id", ondelete="SET NULL"))
    conversation_id: Mapped[int | None] = mapped_column(BigId)
    uid: Mapped[str] = mapped_column(String(40), unique=True)
    type: Mapped[str] = mapped_column(String(40))
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class WebhookDelivery(Base):
    """One event on its way to one endpoint. A `WebhookBlock` says whether a worker has taken it.

    What is said of it, its row says, or for as long as it is in one its `WebhookBundle`: `state`,
    `attempts`, `taken_in` and `delivered_at` know which.

    An attempt that a person asked for takes none of the schedule's: while it is waited for,
    `resumes_as` and `resumes_at` keep the state, and for a pending one the time, in which the
    delivery goes on if that attempt fails.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("event_id", "endpoint_id"),
        Index(None, "endpoint_id", "id"),
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_webhook_deliveries_failed",
            "endpoint_id",
            "id",
            sqlite_where=text("state = 'failed'"),
            postgresql_where=text("state = 'failed'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_events.id", ondelete="CASCADE"))
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    # No foreign key: a bundle is deleted after the events that it was made of.
    bundle_id: Mapped[int | None] = mapped_column(BigId)
    own_state: Mapped[str] = mapped_column("state", String(10), default=DeliveryState.PENDING)
    own_attempts: Mapped[int] = mapped_column("attempts", SmallInteger, default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=utcnow)
    resumes_as: Mapped[str | None] = mapped_column(String(10))
    resumes_at: Mapped[datetime | None]
    own_taken_in: Mapped[str | None] = mapped_column("taken_in", String(40))
    """The id of the request, if it told of several events, in which this one was taken."""
    own_delivered_at: Mapped[datetime | None] = mapped_column("delivered_at")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    state = as_bundle_says("state")
    attempts = as_bundle_says("attempts")
    taken_in = as_bundle_says("taken_in")
    delivered_at = as_bundle_says("delivered_at")

    bundle: Mapped[WebhookBundle | None] = relationship(
        viewonly=True,
        lazy="joined",
        foreign_keys=bundle_id,
        primaryjoin=WebhookBundle.id == bundle_id,
    )
    event: Mapped[WebhookEvent] = relationship(viewonly=True)
    endpoint: Mapped[WebhookEndpoint] = relationship(viewonly=True)


def is_pending() -> ColumnElement[bool]:
    """Whether a delivery waits on its own, in the words of the index that knows: a state that is
    told only when the statement runs would keep both databases from looking into it."""
    return WebhookDelivery.own_state == literal_column("'pending'")


def is_failed() -> ColumnElement[bool]:
    """Whether every attempt at a delivery failed, in the words of that index."""
    return WebhookDelivery.own_state == literal_column("'failed'")


class WebhookBlock(Base):
    """The deliveries and bundles that a worker took at once, without those that have come to an
    end since.

    It is there until all have. That of a worker which has died is removed once its lease has
    expired, and others take what was in it; a worker whose block is not there any more, because
    it was only asleep, has nothing to say about them.
    """

    __tablename__ = "webhook_blocks"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    lease_expires_at: Mapped[datetime]
    """By the database's clock."""
    delivery_ids: Mapped[list[int]] = mapped_column(IdList)
    bundle_ids: Mapped[list[int]] = mapped_column(IdList)


class AttemptTrigger(StrEnum):
    """Why an attempt was made."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    """A person asked for it."""


class WebhookAttempt(Base):
    """One request that was made, or refused before it was made, for a delivery.

    A request that told of several events is an attempt at each. What they have in common,
    `request_headers`, `request_events` (the ids of all of them, in their order) and the answer,
    stands in the first one's row; `request_uid` leads there from the others. If it was taken, that
    row is the only one, and the deliveries' `taken_in` leads there.
    """

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        Index(None, "delivery_id"),
        Index(None, "endpoint_id", "id"),
        Index(
            "ix_webhook_attempts_batch",
            "request_uid",
            sqlite_where=text("request_events IS NOT NULL"),
            postgresql_where=text("request_events IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE")
    )
    # No foreign key of its own: the delivery has it, and it would be checked for every attempt.
    endpoint_id: Mapped[int] = mapped_column(BigId, server_default="0")
    number: Mapped[int] = mapped_column(SmallInteger)
    trigger: Mapped[str] = mapped_column(String(10), default=AttemptTrigger.SCHEDULED)
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status_code: Mapped[int | None] = mapped_column(SmallInteger)
    error: Mapped[str | None] = mapped_column(String(255))
    response_body: Mapped[str | None] = mapped_column(Text)
    request_uid: Mapped[str | None] = mapped_column(String(40))
    request_headers: Mapped[dict[str, str] | None] = mapped_column(Json)
    request_events: Mapped[list[int] | None] = mapped_column(Json)
