"""The delivery log of an endpoint, as pages of a list."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from campaigns_app.extensions import db
from campaigns_app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

PAGE_SIZE = 25
MOST_PAGES = 100
"""The list ends here: what is older is of no use to leaf through, and costly to count."""


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery and the last attempt at it, if there was one."""

    delivery: WebhookDelivery
    last_attempt: WebhookAttempt | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of deliveries, newest first; pages are numbered from 1."""

    entries: list[LoggedDelivery]
    page: int
    pages: int


def read_log(endpoint: WebhookEndpoint, page: int) -> LogPage:
    """A page of the endpoint's deliveries; a number beyond the last page gives the last."""
    mine = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    recent = mine.with_only_columns(WebhookDelivery.id).limit(PAGE_SIZE * MOST_PAGES).subquery()
    count = db.session.scalar(select(func.count()).select_from(recent)) or 0
    pages = max(1, -(-count // PAGE_SIZE))
    page = min(max(page, 1), pages)
    deliveries = db.session.scalars(
        mine.options(joinedload(WebhookDelivery.event))
        .order_by(WebhookDelivery.id.desc())
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()
    last = _last_attempts([delivery.id for delivery in deliveries])
    entries = [LoggedDelivery(delivery, last.get(delivery.id)) for delivery in deliveries]
    return LogPage(entries, page, pages)


def _last_attempts(delivery_ids: Collection[int]) -> dict[int, WebhookAttempt]:
    attempts = db.session.scalars(
        select(WebhookAttempt)
        .where(WebhookAttempt.delivery_id.in_(delivery_ids))
        .order_by(WebhookAttempt.id)
    )
    return {attempt.delivery_id: attempt for attempt in attempts}
