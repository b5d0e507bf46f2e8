"""Webhook bundle, and what deliveries leave to it."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    case,
    literal_column,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from campaigns_app.database.types import Base, BigId, IdList, utcnow
from campaigns_app.webhooks.states import DeliveryState


class WebhookBundle(Base):
    """As many events as an endpoint takes in one request, put together when they were written.

    As long as its deliveries have one fate, it is told here, in one row for all of them: that they
    wait for their first attempt, or that they were taken in it. A bundle that was refused is
    undone: then each of its deliveries goes its own way.
    """

    __tablename__ = "webhook_bundles"
    __table_args__ = (
        Index("ix_webhook_bundles_endpoint_id", "endpoint_id", "state", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event_ids: Mapped[list[int]] = mapped_column(IdList)
    """In the order in which they are told."""
    size: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(10), default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    taken_in: Mapped[str | None] = mapped_column(String(40))
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


BUNDLED = "bundled"
"""The state, in the row of a delivery, of one of which its bundle knows the state."""


def as_bundle_says(name: str) -> hybrid_property[Any]:
    """An attribute of a delivery: what its row says of itself, or its bundle of all it holds."""

    def read(delivery: Any) -> Any:
        return getattr(delivery.bundle or delivery, name if delivery.bundle else f"own_{name}")

    def write(delivery: Any, value: Any) -> None:
        setattr(delivery, f"own_{name}", value)

    def express(delivery: Any) -> ColumnElement[Any]:
        own, shared = getattr(delivery, f"own_{name}"), getattr(WebhookBundle, name)
        of_bundle = select(shared).where(WebhookBundle.id == delivery.bundle_id).scalar_subquery()
        return case((delivery.bundle_id.is_(None), own), else_=of_bundle)

    def change(cls: Any, value: Any) -> list[tuple[Any, Any]]:
        return [(getattr(cls, f"own_{name}"), value)]

    return hybrid_property(read, fset=write, expr=express, update_expr=change)


def is_bundle_pending() -> ColumnElement[bool]:
    """Whether a bundle waits, in the words of the index."""
    return WebhookBundle.state == literal_column("'pending'")
