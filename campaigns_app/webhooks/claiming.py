"""Which deliveries a worker takes; knows the database, not the network.

A claim begins with the endpoints: those that are enabled, due and have room, each looked at through
an index of its own deliveries. So what waits for a disabled endpoint is never read, and of what
waits for a busy one only as much as is taken. An endpoint that another worker is just taking from
is passed over, not waited for.

What is taken is a block, under a lease. A worker that dies leaves it to expire; its deliveries are
sent again, under the same ids. Whoever comes back after that finds its block gone, and changes
nothing.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Row,
    SelectBase,
    bindparam,
    case,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from campaigns_app.database.at_once import rows_at_once
from campaigns_app.database.clock import database_now
from campaigns_app.webhooks import blocks
from campaigns_app.webhooks.bundles import first_bundle_at, is_free, next_bundles
from campaigns_app.webhooks.models import (
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    is_pending,
)
from campaigns_app.webhooks.sending import Claimed, ClaimedBundle, ClaimedDelivery, Destination

MOST_ENDPOINTS = 50
"""So many endpoints are taken from in one claim; the next claim goes on after the last of them."""

BATCHES_AT_ONCE = 8
"""So many are taken in one claim where events go in batches: each claim costs as much as two."""

FEW = 20
"""So much is taken at first for an endpoint that was failing when it was last heard of."""

EVER = datetime.max.replace(tzinfo=UTC)

# Computed once in a statement: no index helps PostgreSQL to compare with a clock that runs.
NOW = select(database_now()).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Room:
    """How many deliveries a worker is to take: `total` in all, or `most` where there are batches,
    of which several go at once; `usual` for an endpoint that it holds nothing of, and for the
    others what `left` says. `after` is the id of the endpoint behind which it is to look first."""

    total: int
    usual: int
    most: int = 0
    left: Mapping[int, int] = field(default_factory=dict)
    after: int = 0

    def of(self, endpoint: Row[Any], among: int) -> int:
        """The room for an endpoint, one of so many that are due."""
        usual = FEW if endpoint.first_failure_at else self.usual
        batch: int = endpoint.batch_size
        room = self.left.get(endpoint.id, max(usual, batch))
        several = min(BATCHES_AT_ONCE * batch, self.most // among) if batch > 1 else 0
        # Two at least: a conversation's first two events belong together.
        return min(room, max(self.total // among, several, batch, 2))


def is_due(dialect: str) -> ColumnElement[bool]:
    """Whether a delivery of an enabled endpoint may be claimed now."""
    return is_pending() & (WebhookDelivery.next_attempt_at <= NOW) & ~blocks.is_taken(dialect)


def has_due(dialect: str) -> ColumnElement[bool]:
    """Whether an endpoint is enabled and not at rest, and something may be claimed for it now."""
    # Not EXISTS: PostgreSQL likes to turn that into a join with all that waits for anybody.
    first = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.endpoint_id == WebhookEndpoint.id, is_due(dialect))
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(1)
        .scalar_subquery()
    )
    is_awake = or_(WebhookEndpoint.rests_until.is_(None), WebhookEndpoint.rests_until <= NOW)
    something = first.is_not(None) | first_bundle_at(is_free(dialect)).is_not(None)
    return WebhookEndpoint.enabled & is_awake & something


def claim_block(session: Session, owner: str, room: Room, *, lease_seconds: int) -> Claimed:
    """Take what is due for `owner`, of each endpoint the longest due first. Commits.

    They are given to another worker after `lease_seconds`, which must be more than they can be on
    their way. Those of one conversation are taken together, so that no other worker can send its
    second event before its first.
    """
    blocks.remove_expired(session)
    endpoints = _ready_endpoints(session, room)
    if not endpoints:
        session.commit()
        return Claimed()
    limits = {endpoint.id: room.of(endpoint, len(endpoints)) for endpoint in endpoints}
    rows = _whole_conversations(_next_due(session, endpoints, limits), limits)
    for row in rows:
        limits[ENDPOINT_ID(row)] -= 1
    bundles = next_bundles(session, [one for one in endpoints if one.first_bundle_at], limits)
    if not rows and not bundles:
        session.commit()
        return Claimed()
    bundle_ids = [bundle.id for bundle in bundles]
    block_id = blocks.take(session, owner, map(DELIVERY_ID, rows), bundle_ids, lease_seconds)
    session.commit()
    destinations = {endpoint.id: _destination(endpoint) for endpoint in endpoints}
    now = time.monotonic()
    return Claimed(
        [
            ClaimedDelivery._make((*row[2:], block_id, destinations[ENDPOINT_ID(row)], now))
            for row in rows
        ],
        [
            ClaimedBundle._make((*bundle[1:], block_id, destinations[bundle.endpoint_id], now))
            for bundle in bundles
        ],
    )


def _ready_endpoints(session: Session, room: Room) -> Sequence[Row[Any]]:
    """The endpoints to take from; their rows are locked against other claims, not against the
    events that are written for them meanwhile."""
    full = [endpoint_id for endpoint_id, left in room.left.items() if left < 1]
    values = {"full": full, "after": room.after}
    connection = session.connection()
    return connection.execute(_ready_statement(connection.dialect.name), values).all()


# Statements that a worker needs all the time are made once: that takes as long as many rows.
@cache
def _ready_statement(dialect: str) -> Executable:
    return (
        select(
            WebhookEndpoint.id,
            WebhookEndpoint.url,
            WebhookEndpoint.secret,
            case(
                (WebhookEndpoint.previous_secret_expires_at > NOW, WebhookEndpoint.previous_secret)
            ).label("previous_secret"),
            WebhookEndpoint.headers,
            WebhookEndpoint.batch_size,
            WebhookEndpoint.first_failure_at,
            first_bundle_at(is_free(dialect)).label("first_bundle_at"),
        )
        .where(has_due(dialect), WebhookEndpoint.id.not_in(bindparam("full", expanding=True)))
        .order_by(WebhookEndpoint.id <= bindparam("after"), WebhookEndpoint.id)
        .limit(MOST_ENDPOINTS)
        .with_for_update(of=WebhookEndpoint, key_share=True, skip_locked=True)
    )


PLACE, ENDPOINT_ID, DELIVERY_ID, CONVERSATION_ID = map(itemgetter, (0, 1, 2, 6))


def _next_due(
    session: Session, endpoints: Sequence[Row[Any]], limits: Mapping[int, int]
) -> list[Sequence[Any]]:
    """What to take of what goes its own way, of each endpoint the longest due first. What is due
    later than a bundle that waits is left until that has been taken."""
    values: dict[str, object] = {}
    for place, endpoint in enumerate(endpoints):
        values[f"endpoint_{place}"] = endpoint.id
        values[f"limit_{place}"] = limits[endpoint.id]
        values[f"until_{place}"] = endpoint.first_bundle_at or EVER
    dialect = session.connection().dialect.name
    rows = rows_at_once(session, _look_statement(dialect, len(endpoints)), values)
    # A database that sorts them carries all the payloads about.
    return sorted(rows, key=PLACE)


@cache
def _look_statement(dialect: str, endpoints: int) -> SelectBase:
    """A look into the index for each of so many endpoints, all in one statement."""
    in_order = (WebhookDelivery.next_attempt_at, WebhookDelivery.id)
    until_type = WebhookDelivery.next_attempt_at.type
    looks = [
        select(
            func.row_number().over(order_by=in_order).label("place"),
            WebhookDelivery.endpoint_id,
            WebhookDelivery.id,
            WebhookDelivery.own_attempts,
            WebhookDelivery.resumes_as,
            WebhookDelivery.event_id,
        )
        .where(
            WebhookDelivery.endpoint_id == bindparam(f"endpoint_{place}"),
            WebhookDelivery.next_attempt_at <= bindparam(f"until_{place}", type_=until_type),
            is_due(dialect),
        )
        .order_by(*in_order)
        .limit(bindparam(f"limit_{place}"))
        .subquery()
        for place in range(endpoints)
    ]
    found = union_all(*map(select, looks)).subquery() if endpoints > 1 else looks[0]
    events = (WebhookEvent.conversation_id, WebhookEvent.uid, WebhookEvent.payload)
    return select(found, *events).join(WebhookEvent, WebhookEvent.id == found.c.event_id)


def _destination(row: Row[Any]) -> Destination:
    return Destination(
        endpoint_id=row.id,
        url=row.url,
        secrets=tuple(filter(None, (row.secret, row.previous_secret))),
        headers=row.headers,
        batch_size=row.batch_size,
        is_failing=row.first_failure_at is not None,
    )


def _whole_conversations(
    rows: list[Sequence[Any]], limits: Mapping[int, int]
) -> list[Sequence[Any]]:
    """The rows without the conversations in which an endpoint's limit may have made a cut."""
    if len(limits) == 1:
        return _without_cut(rows, *limits.values())
    mine: dict[int, list[Sequence[Any]]] = {}
    for row in rows:
        mine.setdefault(ENDPOINT_ID(row), []).append(row)
    return [
        row
        for endpoint_id, limit in limits.items()
        if endpoint_id in mine
        for row in _without_cut(mine[endpoint_id], limit)
    ]


def _without_cut(rows: list[Sequence[Any]], limit: int) -> list[Sequence[Any]]:
    last = CONVERSATION_ID(rows[-1]) if rows else None
    if last is None or len(rows) < limit:
        return rows
    end = len(rows)
    while end and CONVERSATION_ID(rows[end - 1]) == last:
        end -= 1
    return rows[:end] or rows
