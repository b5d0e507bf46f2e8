"""What was sent to an endpoint, and what came of it.

A list is read from its newest end, in pages that begin where the one before ended, and never
counted: there may be millions of deliveries.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, union_all
from sqlalchemy.orm import joinedload

from campaigns_app.errors import NotFound
from campaigns_app.extensions import db
from campaigns_app.http_client import LONGEST_BODY
from campaigns_app.webhooks.batching import batch_body
from campaigns_app.webhooks.blocks import is_on_its_way
from campaigns_app.webhooks.bundle_model import WebhookBundle, is_bundle_pending
from campaigns_app.webhooks.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    is_failed,
    is_pending,
)
from campaigns_app.webhooks.states import DeliveryState

PAGE_SIZE = 25
LOOKED_AT = 10_000
"""Events of one type, and delivered ones, are looked for among the last so many deliveries."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which deliveries are wanted: in a state, of a type of event, written not before `since` and
    before `until`, older than the one with the id `before`."""

    state: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery and the last attempt at it, if there was one."""

    delivery: WebhookDelivery
    last_attempt: WebhookAttempt | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of deliveries, newest first. `next_before` begins the next, if there is one."""

    entries: list[LoggedDelivery]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """An attempt with the request as it was sent. `events` were told of in it; `headers` and
    `body` are None where what they were made of is no longer kept."""

    attempt: WebhookAttempt
    headers: Mapping[str, str] | None
    body: str | None
    response_body: str | None
    event_count: int

    @property
    def is_cut(self) -> bool:
        """Whether the answer filled all that is read of one, and may have been longer."""
        text = self.response_body or ""
        # What is no text was a byte or more, and is kept as a sign of three.
        return len(text.encode()) - 2 * text.count("\ufffd") > LONGEST_BODY - 3


def read_log(endpoint: WebhookEndpoint, wanted: LogFilter, size: int = PAGE_SIZE) -> LogPage:
    """A page of the endpoint's deliveries. Three queries."""
    ids = list(db.session.scalars(_wanted_ids(endpoint, wanted, size + 1)))
    deliveries = db.session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.id.in_(ids[:size]))
        .options(joinedload(WebhookDelivery.event))
        .order_by(WebhookDelivery.id.desc())
    ).all()
    last = _last_attempts(deliveries)
    entries = [LoggedDelivery(delivery, last.get(delivery.id)) for delivery in deliveries]
    return LogPage(entries, ids[size - 1] if len(ids) > size else None)


def get_delivery(endpoint: WebhookEndpoint, delivery_id: int) -> WebhookDelivery:
    """The endpoint's delivery with that id, and its event. Raises `NotFound`."""
    delivery = db.session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.id == delivery_id)
        .options(joinedload(WebhookDelivery.event))
    )
    if delivery is None:
        raise NotFound(f"no delivery {delivery_id} to webhook endpoint {endpoint.id}")
    return delivery


def is_being_sent(delivery: WebhookDelivery) -> bool:
    """Whether a worker is sending the delivery at this moment."""
    found = select(is_on_its_way(db.session())).where(WebhookDelivery.id == delivery.id)
    return bool(db.session.scalar(found))


def read_attempts(delivery: WebhookDelivery) -> list[LoggedAttempt]:
    """All attempts at a delivery, newest first, with their requests. Three queries."""
    attempts = db.session.scalars(
        select(WebhookAttempt).where(_is_at([delivery])).order_by(WebhookAttempt.id.desc())
    ).all()
    shared = _shared_rows([one.request_uid for one in attempts if one.request_uid])
    events = _events({key for row in shared.values() for key in row.request_events or ()})
    return [_logged(one, delivery.event, shared, events) for one in attempts]


def read_siblings(delivery: WebhookDelivery) -> Sequence[WebhookDelivery]:
    """The deliveries of the same event to other endpoints, with these."""
    return db.session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.event_id == delivery.event_id, WebhookDelivery.id != delivery.id)
        .options(joinedload(WebhookDelivery.endpoint))
        .order_by(WebhookDelivery.id)
    ).all()


def _wanted_ids(endpoint: WebhookEndpoint, wanted: LogFilter, limit: int) -> Select[int]:
    found = select(WebhookDelivery.id).where(WebhookDelivery.endpoint_id == endpoint.id)
    if wanted.since is not None:
        found = found.where(WebhookDelivery.created_at >= wanted.since)
    if wanted.until is not None:
        found = found.where(WebhookDelivery.created_at < wanted.until)
    if wanted.before is not None:
        found = found.where(WebhookDelivery.id < wanted.before)
    found = found.order_by(WebhookDelivery.id.desc())
    if wanted.state == DeliveryState.PENDING:
        return _pending(endpoint, found, wanted, limit)
    if wanted.state == DeliveryState.DELIVERED:
        return _among_the_last(
            found,
            wanted.event_type,
            lambda one: (
                (one.own_state == DeliveryState.DELIVERED)
                | one.bundle_id.is_not(None) & one.bundle_id.not_in(_pending_bundles(endpoint))
            ),
        ).limit(limit)
    if wanted.state == DeliveryState.FAILED:
        found = found.where(is_failed())
    if wanted.event_type is not None:
        found = _among_the_last(found, wanted.event_type)
    return found.limit(limit)


def _pending(
    endpoint: WebhookEndpoint, found: Select[int], wanted: LogFilter, limit: int
) -> Select[int]:
    """Those that wait on their own, whom an index knows, and those that wait in bundles."""
    own = found.where(is_pending())
    if wanted.event_type is not None:
        own = _among_the_last(own, wanted.event_type)
    bundled = _among_the_last(
        found, wanted.event_type, lambda one: one.bundle_id.in_(_pending_bundles(endpoint))
    )
    parts = [select(part.limit(limit).subquery()) for part in (own, bundled)]
    either = union_all(*parts).subquery()
    return select(either.c.id).order_by(either.c.id.desc()).limit(limit)


def _pending_bundles(endpoint: WebhookEndpoint) -> Select[int]:
    return select(WebhookBundle.id).where(
        WebhookBundle.endpoint_id == endpoint.id, is_bundle_pending()
    )


def _among_the_last(
    found: Select[int],
    event_type: str | None,
    is_wanted: Callable[[Any], ColumnElement[bool]] | None = None,
) -> Select[int]:
    """What no index knows is looked for in a window: `is_wanted` is asked of its columns."""
    columns = (WebhookDelivery.id, WebhookDelivery.own_state, WebhookDelivery.bundle_id)
    window = found.with_only_columns(*columns, WebhookDelivery.event_id).limit(LOOKED_AT).subquery()
    among = select(window.c.id).order_by(window.c.id.desc())
    if is_wanted is not None:
        among = among.where(is_wanted(window.c))
    if event_type is not None:
        # Not a join: of a type that is rare, PostgreSQL would look among all the events there are.
        its_type = select(WebhookEvent.type).where(WebhookEvent.id == window.c.event_id)
        among = among.where(its_type.scalar_subquery() == event_type)
    return among


def _last_attempts(deliveries: Sequence[WebhookDelivery]) -> dict[int, WebhookAttempt]:
    attempts = db.session.scalars(
        select(WebhookAttempt).where(_is_at(deliveries)).order_by(WebhookAttempt.id)
    ).all()
    last = {attempt.delivery_id: attempt for attempt in attempts}
    requests = {one.request_uid: one for one in attempts if one.request_events is not None}
    for delivery in deliveries:
        if delivery.taken_in in requests:
            last[delivery.id] = requests[delivery.taken_in]
    return last


def _is_at(deliveries: Iterable[WebhookDelivery]) -> ColumnElement[bool]:
    """Whether an attempt was made at one of the deliveries, alone or in a batch that was taken."""
    deliveries = list(deliveries)
    requests = {delivery.taken_in for delivery in deliveries if delivery.taken_in is not None}
    in_batch = WebhookAttempt.request_uid.in_(requests) & WebhookAttempt.request_events.is_not(None)
    return WebhookAttempt.delivery_id.in_([delivery.id for delivery in deliveries]) | in_batch


def _shared_rows(uids: Collection[str]) -> dict[str | None, WebhookAttempt]:
    """The rows that hold what the attempts of one request have in common, by its id."""
    if not uids:
        return {}
    rows = db.session.scalars(
        select(WebhookAttempt).where(
            WebhookAttempt.request_uid.in_(uids), WebhookAttempt.request_events.is_not(None)
        )
    )
    return {row.request_uid: row for row in rows}


def _events(event_ids: Collection[int]) -> dict[int, WebhookEvent]:
    if not event_ids:
        return {}
    rows = db.session.scalars(select(WebhookEvent).where(WebhookEvent.id.in_(event_ids)))
    return {row.id: row for row in rows}


def _logged(
    attempt: WebhookAttempt,
    event: WebhookEvent,
    shared: Mapping[str | None, WebhookAttempt],
    events: Mapping[int, WebhookEvent],
) -> LoggedAttempt:
    if attempt.request_uid is None:
        headers, body = attempt.request_headers, event.payload
        return LoggedAttempt(attempt, headers, body, attempt.response_body, 1)
    row = shared.get(attempt.request_uid)
    if row is None:
        return LoggedAttempt(attempt, None, None, attempt.response_body, 0)
    ids = row.request_events or []
    told = [events[key] for key in ids if key in events]
    body = batch_body([(one.uid, one.payload.encode()) for one in told]).decode()
    is_whole = len(told) == len(ids)
    return LoggedAttempt(
        attempt, row.request_headers, body if is_whole else None, row.response_body, len(ids)
    )
