"""What was sent to an endpoint, and what came of it.

A list is read from its newest end, in pages that begin where the one before ended, and never
counted: there may be millions of deliveries.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import joinedload

from campaigns_app.errors import NotFound
from campaigns_app.extensions import db
from campaigns_app.http_client import LONGEST_BODY
from campaigns_app.webhooks.batching import batch_body
from campaigns_app.webhooks.blocks import is_on_its_way
from campaigns_app.webhooks.models import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    is_failed,
    is_pending,
)

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
    if wanted.state == DeliveryState.PENDING:
        found = found.where(is_pending())
    if wanted.state == DeliveryState.FAILED:
        found = found.where(is_failed())
    if wanted.since is not None:
        found = found.where(WebhookDelivery.created_at >= wanted.since)
    if wanted.until is not None:
        found = found.where(WebhookDelivery.created_at < wanted.until)
    if wanted.before is not None:
        found = found.where(WebhookDelivery.id < wanted.before)
    found = found.order_by(WebhookDelivery.id.desc())
    if wanted.event_type is None and wanted.state != DeliveryState.DELIVERED:
        return found.limit(limit)
    return _among_the_last(found, wanted).limit(limit)


def _among_the_last(found: Select[int], wanted: LogFilter) -> Select[int]:
    """What no index knows is looked for in a window."""
    columns = (WebhookDelivery.id, WebhookDelivery.state, WebhookDelivery.event_id)
    window = found.with_only_columns(*columns).limit(LOOKED_AT).subquery()
    among = select(window.c.id).order_by(window.c.id.desc())
    if wanted.state == DeliveryState.DELIVERED:
        among = among.where(window.c.state == DeliveryState.DELIVERED)
    if wanted.event_type is not None:
        # Not a join: of a type that is rare, PostgreSQL would look among all the events there are.
        its_type = select(WebhookEvent.type).where(WebhookEvent.id == window.c.event_id)
        among = among.where(its_type.scalar_subquery() == wanted.event_type)
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
    body = batch_body([(one.uid, one.payload) for one in told]).decode()
    is_whole = len(told) == len(ids)
    return LoggedAttempt(
        attempt, row.request_headers, body if is_whole else None, row.response_body, len(ids)
    )
