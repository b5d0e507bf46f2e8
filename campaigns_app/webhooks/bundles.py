"""Bundles: full batches that are put together when their events are written.

What is sent in one request is then claimed, read and settled in one row, whatever the number of its
events. Only a first attempt is made for a bundle: one that was refused, or that has become too
large for its endpoint, is undone. Nothing here commits.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    SelectBase,
    Text,
    bindparam,
    cast,
    delete,
    select,
    update,
)
from sqlalchemy.orm import Session

from campaigns_app.database.among import id_list, is_among, is_in_list
from campaigns_app.database.at_once import texts_at_once
from campaigns_app.database.bulk import insert_rows, reserve_ids
from campaigns_app.webhooks.batching import FRAME, WITHIN
from campaigns_app.webhooks.blocks import is_bundle_taken
from campaigns_app.webhooks.bundle_model import WebhookBundle, is_bundle_pending
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from campaigns_app.webhooks.states import DeliveryState

SMALLEST_BUNDLE = 10
"""For endpoints that take fewer events at once a row more for each request would save little."""


class Bundle(NamedTuple):
    """A bundle, and the body of the request that tells of it."""

    endpoint_id: int
    id: int
    event_ids: Sequence[int]
    body: bytes


def write_bundles(
    session: Session, batches: Sequence[tuple[int, list[int]]], now: datetime
) -> Sequence[int]:
    """Write a bundle of each of `batches`, an endpoint's id and the ids of events; returns the ids
    of the bundles."""
    ids = reserve_ids(session, WebhookBundle, len(batches))
    dialect = session.connection().dialect.name
    insert_rows(
        session,
        WebhookBundle,
        ("id", "endpoint_id", "event_ids", "size"),
        [
            (bundle_id, endpoint_id, id_list(dialect, event_ids), len(event_ids))
            for bundle_id, (endpoint_id, event_ids) in zip(ids, batches, strict=True)
        ],
        same={"state": DeliveryState.PENDING.value, "attempts": 0, "created_at": now},
    )
    return ids


def first_bundle_at(is_meant: ColumnElement[bool]) -> ScalarSelect[datetime]:
    """Since when the first bundle of an endpoint has waited, of those of which `is_meant` holds."""
    return (
        select(WebhookBundle.created_at)
        .where(WebhookBundle.endpoint_id == WebhookEndpoint.id, is_meant)
        .order_by(WebhookBundle.id)
        .limit(1)
        .correlate(WebhookEndpoint)
        .scalar_subquery()
    )


def next_bundles(
    session: Session, endpoints: Iterable[Row[Any]], limits: Mapping[int, int]
) -> list[Bundle]:
    """The bundles to take for endpoints, of which the `id` and `batch_size` are asked, in their
    order: as many as have no more events than `limits` allows. What cannot be sent as it is, is
    undone."""
    bundles: list[Bundle] = []
    useless: list[int] = []
    for endpoint in endpoints:
        for bundle_id, event_ids in _waiting(session, endpoint, limits[endpoint.id]):
            is_fit = len(event_ids) <= endpoint.batch_size
            body = _body(session, bundle_id, len(event_ids)) if is_fit else None
            if body is None:
                useless.append(bundle_id)
            else:
                bundles.append(Bundle(endpoint.id, bundle_id, event_ids, body))
    undo(session, useless)
    return bundles


def _waiting(
    session: Session, endpoint: Row[Any], limit: int
) -> Iterator[tuple[int, Sequence[int]]]:
    """The first bundles that fit into the limit, or will never be sent: ids, and their events'."""
    rows = session.execute(
        select(WebhookBundle.id, WebhookBundle.event_ids)
        .where(
            WebhookBundle.endpoint_id == endpoint.id,
            is_free(session.connection().dialect.name),
        )
        .order_by(WebhookBundle.id)
        .limit(max(limit // max(endpoint.batch_size, SMALLEST_BUNDLE), 1))
    ).all()
    for bundle_id, event_ids in rows:
        limit -= len(event_ids)
        if limit >= 0 or len(event_ids) > endpoint.batch_size:
            yield bundle_id, event_ids


def _body(session: Session, bundle_id: int, size: int) -> bytes | None:
    """The request that tells of its events; None if not all of them are kept any more."""
    statement = _entries(session.connection().dialect.name)
    count, body = texts_at_once(session, statement, {"bundle": bundle_id}, FRAME)
    return body if count == size else None


@cache
def _entries(dialect: str) -> SelectBase:
    its_events = select(WebhookBundle.event_ids).where(WebhookBundle.id == bindparam("bundle"))
    return (
        select(cast(WebhookEvent.uid + WITHIN + WebhookEvent.payload, Text))
        .where(is_in_list(dialect, WebhookEvent.id, its_events))
        .order_by(WebhookEvent.id)
    )


def is_free(dialect: str) -> ColumnElement[bool]:
    """Whether a bundle waits and nobody has taken it."""
    return is_bundle_pending() & ~is_bundle_taken(dialect)


def undo(session: Session, bundle_ids: Collection[int]) -> list[Row[Any]]:
    """Let each delivery of these bundles go its own way; returns their `id`, `event_id` and
    `bundle_id`."""
    if not bundle_ids:
        return []
    left: list[Row[Any]] = []
    found = select(WebhookBundle).where(WebhookBundle.id.in_(bundle_ids)).with_for_update()
    for bundle in session.scalars(found.order_by(WebhookBundle.id)).all():
        mine = is_among(session, WebhookDelivery.event_id, bundle.event_ids) & (
            WebhookDelivery.bundle_id == bundle.id
        )
        columns = (WebhookDelivery.id, WebhookDelivery.event_id, WebhookDelivery.bundle_id)
        left += session.execute(select(*columns).where(mine).order_by(WebhookDelivery.id))
        take_out(session, mine)
    session.connection().execute(delete(WebhookBundle).where(WebhookBundle.id.in_(bundle_ids)))
    return left


def take_out(session: Session, which: ColumnElement[bool]) -> None:
    """Let deliveries say of themselves what their bundle, if they are in one, said of them."""
    session.execute(
        update(WebhookDelivery)
        .where(which, WebhookDelivery.bundle_id.is_not(None))
        .values(
            {
                WebhookDelivery.own_state: WebhookDelivery.state,
                WebhookDelivery.own_attempts: WebhookDelivery.attempts,
                WebhookDelivery.own_taken_in: WebhookDelivery.taken_in,
                WebhookDelivery.own_delivered_at: WebhookDelivery.delivered_at,
                WebhookDelivery.bundle_id: None,
            }
        )
        .execution_options(synchronize_session=False)
    )
