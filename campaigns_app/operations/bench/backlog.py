"""A consumer that has stopped, what waits for it, and what that may slow."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    Integer,
    String,
    case,
    cast,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from campaigns_app import job_queue
from campaigns_app.database.bulk import refresh_statistics
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.operations.bench import engine
from campaigns_app.operations.bench.cases.webhooks_vs_client import deliver_all
from campaigns_app.operations.bench.measuring import peak_mib
from campaigns_app.operations.bench.slate import tidy_up
from campaigns_app.operations.bench.visitor import Login, look_around
from campaigns_app.webhooks.claiming import Room, claim_block
from campaigns_app.webhooks.condition import read_backlog
from campaigns_app.webhooks.events import WEBHOOK_TEST
from campaigns_app.webhooks.jobs import enqueue_due_deliveries
from campaigns_app.webhooks.models import (
    WebhookBlock,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from campaigns_app.webhooks.retention import purge

PAYLOAD = (
    '{"account": {"id": 1, "name": "Benchmark"}, "webhook": {"id": 1, "name": ""},'
    ' "occurred_at": "2026-01-01T00:00:00.000Z", "event": "webhook_test"}'
)
LEASE_SECONDS = 60
MEMORY = "memory of a worker"
ROUNDS = 20
"""How many times each thing is timed in a process; what is told is the median."""


def let_wait(session: Session, endpoint_id: int, count: int, *, first: int = 0) -> None:
    """Give the endpoint `count` deliveries, numbered from `first`, that have failed before: of two
    one is due again, the other is in an hour. Written by the database itself. Commits."""
    endpoint = session.get_one(WebhookEndpoint, endpoint_id)
    account_id, now = endpoint.account_id, utcnow()
    endpoint.first_failure_at = now - timedelta(hours=1)
    numbers = select(literal(first + 1, Integer).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < first + count))
    at = literal(now, WebhookEvent.created_at.type)
    uid = literal("msg_waiting") + cast(numbers.c.n, String)
    session.execute(
        insert(WebhookEvent).from_select(
            ["account_id", "uid", "type", "payload", "created_at"],
            select(literal(account_id), uid, literal(WEBHOOK_TEST), literal(PAYLOAD), at),
            include_defaults=False,
        )
    )
    told_before = select(WebhookDelivery.event_id).where(WebhookDelivery.endpoint_id == endpoint_id)
    later = literal(now + timedelta(hours=1), WebhookEvent.created_at.type)
    session.execute(
        insert(WebhookDelivery).from_select(
            [
                *("account_id", "event_id", "endpoint_id", "state", "attempts"),
                *("next_attempt_at", "created_at"),
            ],
            select(
                *(literal(account_id), WebhookEvent.id, literal(endpoint_id), literal("pending")),
                literal(3),
                case((WebhookEvent.id % 2 == 0, at), else_=later),
                at,
            ).where(
                WebhookEvent.uid.startswith("msg_waiting"), WebhookEvent.id.not_in(told_before)
            ),
            include_defaults=False,
        )
    )
    refresh_statistics(session, WebhookEvent, WebhookDelivery)
    session.commit()
    tidy_up(WebhookEvent, WebhookDelivery)


def time_everything(
    campaign_id: int, login: Login, paths: Sequence[str], seconds: float
) -> Mapping[str, float]:
    """The milliseconds that each thing takes while so much waits: pages, what workers, sweep and
    metrics ask, and a whole campaign, whose events are left in the outbox."""
    pages = {visits.path: visits.median for visits in look_around(login, paths, seconds)}
    owner, room = job_queue.lease_owner(), Room(total=100, usual=50)
    asked: dict[str, Callable[[], object]] = {
        "looking for due deliveries": enqueue_due_deliveries,
        "claiming": lambda: claim_block(db.session(), owner, room, lease_seconds=LEASE_SECONDS),
        "the sweep's purge": purge,
        "metrics": lambda: read_backlog(db.session(), utcnow()),
    }
    times = pages | {name: _median_ms(call) for name, call in asked.items()}
    began = time.perf_counter()
    engine.carry_out(campaign_id)
    times["a campaign"] = (time.perf_counter() - began) * 1000
    _give_back(owner)
    return times


def deliver(endpoint_id: int) -> float:
    """Deliver what is due for others while the stopped one is left alone for a while; returns the
    most memory that took, in MiB."""
    _let_rest(endpoint_id, utcnow() + timedelta(hours=1))
    delivered = deliver_all().count
    _let_rest(endpoint_id, None)
    return peak_mib() if delivered else 0.0


def _median_ms(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
        db.session.rollback()
    return sorted(taken)[ROUNDS // 2]


def _let_rest(endpoint_id: int, until: datetime | None) -> None:
    one = update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    db.session.execute(one.values(rests_until=until))
    db.session.commit()


def _give_back(owner: str) -> None:
    db.session.execute(delete(WebhookBlock).where(WebhookBlock.owner == owner))
    db.session.commit()
