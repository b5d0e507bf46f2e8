"""Who sends which delivery, and what became of it; knows the database, not the network.

A worker claims a block of due deliveries under a lease, in one short transaction, and settles the
whole block in another. Between them it holds none. A worker that dies leaves its lease to expire;
its deliveries are sent again, under the same `webhook-id`. Whoever comes back after that finds
another fence on the row, and changes nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Table, bindparam, case, or_, select, update
from sqlalchemy.orm import Session

from campaigns_app.database.bulk import insert_rows
from campaigns_app.database.clock import database_now, now_plus
from campaigns_app.database.locks import take_turns
from campaigns_app.webhooks.health import disable_gone, note_answers
from campaigns_app.webhooks.models import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from campaigns_app.webhooks.schedule import next_wait
from campaigns_app.webhooks.sending import Attempt, ClaimedDelivery

LEASE_SECONDS = 60
"""Longer than any block can take, whatever `WEBHOOK_TIMEOUT_SECONDS` is."""

# Computed once in a statement: no index helps PostgreSQL to compare with a clock that runs.
NOW = select(database_now()).scalar_subquery()


def claim_block(
    session: Session,
    owner: str,
    limit: int,
    *,
    lease_seconds: int = LEASE_SECONDS,
    except_endpoints: Collection[int] = (),
) -> list[ClaimedDelivery]:
    """Take up to `limit` due deliveries for `owner`, the longest due first. Commits.

    They are given to another worker after `lease_seconds`, which must be more than a block can
    take. Those of one conversation are taken together, so that no other worker can send its second
    event before its first.
    """
    take_turns(session, "webhook claims")
    rows = session.execute(
        select(
            WebhookDelivery.id,
            WebhookDelivery.fence,
            WebhookDelivery.attempts,
            WebhookDelivery.endpoint_id,
            WebhookEvent.conversation_id,
            WebhookEvent.uid,
            WebhookEvent.payload,
            WebhookEndpoint.url,
            WebhookEndpoint.headers,
            WebhookEndpoint.secret,
            case(
                (WebhookEndpoint.previous_secret_expires_at > NOW, WebhookEndpoint.previous_secret)
            ).label("previous_secret"),
        )
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(is_due(), WebhookDelivery.endpoint_id.not_in(except_endpoints))
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(limit)
        .with_for_update(of=WebhookDelivery, skip_locked=True)
    ).all()
    block = [_claimed(row) for row in rows]
    if len(block) == limit:
        block = _whole_conversations(block)
    _lease(session, owner, block, lease_seconds)
    session.commit()
    return block


def is_due() -> ColumnElement[bool]:
    """Whether a delivery, joined with its endpoint, may be claimed now."""
    return (
        (WebhookDelivery.state == DeliveryState.PENDING)
        & (WebhookDelivery.next_attempt_at <= NOW)
        & or_(WebhookDelivery.lease_expires_at.is_(None), WebhookDelivery.lease_expires_at <= NOW)
        & WebhookEndpoint.enabled
    )


def settle_block(
    session: Session,
    block: Sequence[ClaimedDelivery],
    attempts: Iterable[Attempt],
    *,
    now: datetime,
    chance: Random,
) -> None:
    """Write down what became of a claimed block; what was not attempted is given back. Commits.

    A delivery that another worker has taken over meanwhile is left to it.
    """
    held = _still_held(session, block)
    made = [attempt for attempt in attempts if attempt.delivery.id in held]
    delivered = [attempt for attempt in made if attempt.is_delivered]
    failed = [attempt for attempt in made if not attempt.is_delivered]
    _mark_delivered(session, delivered, now)
    _mark_failed(session, failed, chance)
    _give_back(session, held - {attempt.delivery.id for attempt in made})
    _log(session, made)
    disable_gone(session, {attempt.delivery.endpoint_id for attempt in made if attempt.is_gone})
    note_answers(
        session,
        {attempt.delivery.endpoint_id for attempt in delivered},
        {attempt.delivery.endpoint_id for attempt in failed},
        now,
    )
    session.commit()


def _claimed(row: Row[Any]) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=row.id,
        fence=row.fence + 1,
        attempts=row.attempts,
        endpoint_id=row.endpoint_id,
        conversation_id=row.conversation_id,
        uid=row.uid,
        payload=row.payload,
        url=row.url,
        secrets=tuple(filter(None, (row.secret, row.previous_secret))),
        headers=row.headers,
    )


def _whole_conversations(block: list[ClaimedDelivery]) -> list[ClaimedDelivery]:
    """A block that was cut short, without the conversation in which the cut may lie."""
    last = block[-1].conversation_id
    end = len(block)
    while last is not None and end and block[end - 1].conversation_id == last:
        end -= 1
    return block[:end] or block


def _lease(
    session: Session, owner: str, block: Sequence[ClaimedDelivery], lease_seconds: int
) -> None:
    _update(
        session,
        [delivery.id for delivery in block],
        fence=WebhookDelivery.fence + 1,
        lease_owner=owner,
        lease_expires_at=now_plus(lease_seconds),
    )


def _still_held(session: Session, block: Sequence[ClaimedDelivery]) -> set[int]:
    """The deliveries on which the fence is still ours; their rows stay locked."""
    rows = session.execute(
        select(WebhookDelivery.id, WebhookDelivery.fence)
        .where(WebhookDelivery.id.in_([delivery.id for delivery in block]))
        .order_by(WebhookDelivery.id)
        .with_for_update()
    )
    standing = {(row.id, row.fence) for row in rows}
    return {delivery.id for delivery in block if (delivery.id, delivery.fence) in standing}


def _mark_delivered(session: Session, attempts: Sequence[Attempt], now: datetime) -> None:
    _update(
        session,
        [attempt.delivery.id for attempt in attempts],
        state=DeliveryState.DELIVERED.value,
        attempts=WebhookDelivery.attempts + 1,
        delivered_at=now,
        lease_owner=None,
        lease_expires_at=None,
    )


def _mark_failed(session: Session, attempts: Sequence[Attempt], chance: Random) -> None:
    """Each has a next time of its own, so they are written one by one, in one statement."""
    if not attempts:
        return
    table = cast(Table, WebhookDelivery.__table__)
    statement = (
        update(table)
        .where(table.c.id == bindparam("delivery_id"))
        .values(
            state=bindparam("new_state"),
            attempts=bindparam("made"),
            next_attempt_at=bindparam("next_at"),
            lease_owner=None,
            lease_expires_at=None,
        )
    )
    session.connection().execute(statement, [_after_failure(one, chance) for one in attempts])


def _after_failure(attempt: Attempt, chance: Random) -> dict[str, Any]:
    made = attempt.delivery.attempts + 1
    wait = next_wait(
        made,
        is_overloaded=attempt.is_overloaded,
        retry_after=attempt.retry_after,
        chance=chance,
    )
    state = DeliveryState.FAILED if wait is None or attempt.is_gone else DeliveryState.PENDING
    return {
        "delivery_id": attempt.delivery.id,
        "new_state": state.value,
        "made": made,
        "next_at": attempt.started_at + timedelta(seconds=wait or 0),
    }


def _give_back(session: Session, delivery_ids: Collection[int]) -> None:
    _update(session, delivery_ids, lease_owner=None, lease_expires_at=None)


def _log(session: Session, attempts: Iterable[Attempt]) -> None:
    insert_rows(
        session,
        WebhookAttempt,
        (
            *("delivery_id", "number", "trigger", "started_at", "duration_ms"),
            *("status_code", "error", "response_body"),
        ),
        [
            (
                *(one.delivery.id, one.delivery.attempts + 1, "scheduled", one.started_at),
                *(one.duration_ms, one.status, one.error, one.body),
            )
            for one in attempts
        ],
    )


def _update(session: Session, delivery_ids: Collection[int], **values: Any) -> None:
    if not delivery_ids:
        return
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(sorted(delivery_ids)))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
