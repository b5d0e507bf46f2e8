"""How it goes with endpoints and with what waits for them: for pages, and for who watches.

Nothing here counts without a bound: a consumer that has stopped may have a million waiting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    Subquery,
    case,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from campaigns_app.extensions import db
from campaigns_app.webhooks.bundle_model import WebhookBundle, is_bundle_pending
from campaigns_app.webhooks.bundles import first_bundle_at
from campaigns_app.webhooks.models import (
    DisabledReason,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    is_pending,
)

MOST_COUNTED = 1_000
LAST_ATTEMPTS = 1_000
"""The window of the success rate."""

STUCK_AFTER = timedelta(minutes=2)
"""What is overdue for so long is not just waiting for its turn."""

FAILING_AFTER = timedelta(minutes=10)
"""An endpoint that has only failed for so long is not just being restarted."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many deliveries wait, and whether the count ended before they did."""

    count: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """How it goes with one endpoint: what waits, when the oldest event that was counted among it
    happened, how many of the last attempts there were and how many of them were taken."""

    waiting: Waiting
    oldest_at: datetime | None
    attempts: int
    taken: int

    @property
    def success_rate(self) -> float | None:
        """The part of the last attempts that was taken; None before there is any."""
        return self.taken / self.attempts if self.attempts else None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What enabled endpoints are still to be told: how many deliveries at least (`has_more` than
    were counted), and the seconds by which the first of them is late."""

    waiting: Waiting
    late_seconds: float


def read_condition(endpoint: WebhookEndpoint) -> Condition:
    """Two queries, each of which reads a bounded piece of an index."""
    last = (
        select(WebhookAttempt.status_code)
        .where(WebhookAttempt.endpoint_id == endpoint.id)
        .order_by(WebhookAttempt.id.desc())
        .limit(LAST_ATTEMPTS)
        .subquery()
    )
    is_taken = case((last.c.status_code.between(200, 299), 1), else_=0)
    attempts, taken = db.session.execute(
        select(func.count(), func.coalesce(func.sum(is_taken), 0)).select_from(last)
    ).one()
    first = _first_waiting(endpoint.id)
    count, oldest_at = db.session.execute(
        select(func.coalesce(func.sum(first.c.size), 0), func.min(first.c.created_at))
    ).one()
    return Condition(_bounded(count), oldest_at, attempts=attempts, taken=taken)


def count_waiting(endpoint_ids: Sequence[int]) -> dict[int, Waiting]:
    """What waits for each of the endpoints, up to `MOST_COUNTED`. One query."""
    counts = dict.fromkeys(endpoint_ids, 0)
    if endpoint_ids:
        rows = db.session.execute(union_all(*map(_count_up_to_a_bound, endpoint_ids)))
        counts |= {row.endpoint_id: row.waiting for row in rows}
    return {key: _bounded(count) for key, count in counts.items()}


def find_stuck(account_id: int, now: datetime) -> Sequence[Row[int, str, str]]:
    """The endpoints (`id`, `name`, `url`) of an account whose events are stuck: overdue for
    minutes, or waiting for one that has only failed for a while, or was disabled because it did.
    One query."""
    given_up = WebhookEndpoint.disabled_reason.in_([DisabledReason.GONE, DisabledReason.FAILING])
    has_long_failed = WebhookEndpoint.first_failure_at < now - FAILING_AFTER
    is_broken = case((WebhookEndpoint.enabled, has_long_failed), else_=given_up)
    since = now - STUCK_AFTER
    is_late = (_first_due_at() < since) | (first_bundle_at(is_bundle_pending()) < since)
    return db.session.execute(
        select(WebhookEndpoint.id, WebhookEndpoint.name, WebhookEndpoint.url)
        .where(
            WebhookEndpoint.account_id == account_id,
            (WebhookEndpoint.enabled & is_late) | (is_broken & _has_waiting()),
        )
        .order_by(WebhookEndpoint.id)
    ).all()


def read_backlog(session: Session, now: datetime) -> Backlog:
    """The backlog of all accounts, for whoever collects metrics.

    It costs a look into the index for each enabled endpoint with something waiting, and counts at
    most `MOST_COUNTED` for each. Two queries.
    """
    rows = session.execute(
        select(
            WebhookEndpoint.id,
            _first_due_at().label("due_at"),
            first_bundle_at(is_bundle_pending()).label("bundle_at"),
        ).where(WebhookEndpoint.enabled, _has_waiting())
    ).all()
    waiting = count_waiting([row.id for row in rows]).values()
    first = min((at for row in rows for at in (row.due_at, row.bundle_at) if at), default=now)
    return Backlog(
        Waiting(sum(one.count for one in waiting), any(one.has_more for one in waiting)),
        late_seconds=max((now - first).total_seconds(), 0.0),
    )


def _has_waiting() -> ColumnElement[bool]:
    return _first_due_at().is_not(None) | first_bundle_at(is_bundle_pending()).is_not(None)


def _first_due_at() -> ScalarSelect[datetime]:
    """When the first delivery that waits for an endpoint on its own was, or will be, due."""
    return (
        select(WebhookDelivery.next_attempt_at)
        .where(WebhookDelivery.endpoint_id == WebhookEndpoint.id, is_pending())
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(1)
        .correlate(WebhookEndpoint)
        .scalar_subquery()
    )


def _count_up_to_a_bound(endpoint_id: int) -> Any:
    first = _first_waiting(endpoint_id)
    count = func.coalesce(func.sum(first.c.size), 0)
    return select(literal(endpoint_id).label("endpoint_id"), count.label("waiting"))


def _first_waiting(endpoint_id: int) -> Subquery:
    """Of what waits for an endpoint as much as is ever counted, and one more: of how many events
    each is (`size`), and since when it has been there (`created_at`)."""
    own = (
        select(literal(1).label("size"), WebhookDelivery.created_at)
        .where(WebhookDelivery.endpoint_id == endpoint_id, is_pending())
        # In the order of the index: PostgreSQL might begin with all that was delivered before.
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    bundled = (
        select(WebhookBundle.size, WebhookBundle.created_at)
        .where(WebhookBundle.endpoint_id == endpoint_id, is_bundle_pending())
        .order_by(WebhookBundle.id)
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    return union_all(select(own), select(bundled)).subquery()


def _bounded(count: int) -> Waiting:
    return Waiting(min(count, MOST_COUNTED), has_more=count > MOST_COUNTED)
