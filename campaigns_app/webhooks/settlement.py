"""What became of claimed deliveries; knows the database, not the network."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

import orjson
from sqlalchemy import Table, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from campaigns_app.database.among import is_among
from campaigns_app.database.bulk import insert_rows
from campaigns_app.database.copy_text import Row
from campaigns_app.webhooks.custom_headers import masked
from campaigns_app.webhooks.health import Answers, disable_gone, note_answers
from campaigns_app.webhooks.models import (
    AttemptTrigger,
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
)
from campaigns_app.webhooks.schedule import next_wait
from campaigns_app.webhooks.sending import HEADERS, Attempt, ClaimedDelivery, Outcome

MANUAL = AttemptTrigger.MANUAL.value
SCHEDULED = AttemptTrigger.SCHEDULED.value

ATTEMPT_COLUMNS = (
    *("delivery_id", "endpoint_id", "number", "trigger", "started_at", "duration_ms"),
    *("status_code", "error", "response_body"),
    *("request_uid", "request_headers", "request_events"),
)


def settle_block(
    session: Session,
    outcome: Outcome,
    *,
    now: datetime,
    chance: Random,
    patience: timedelta,
) -> None:
    """Write down what came of the attempts, and give back what was not sent. Commits.

    An endpoint that has only failed for as long as `patience` is disabled. A delivery that another
    worker has taken over meanwhile is left to it.
    """
    attempts = outcome.attempts
    taken: list[Attempt] = []
    refused: list[Attempt] = []
    for attempt in attempts:
        (taken if attempt.is_delivered else refused).append(attempt)
    held = _mark_delivered(session, taken, now)
    held |= _still_held(session, [*_deliveries(refused), *outcome.unsent])
    failed = [
        (delivery, attempt)
        for attempt in refused
        for delivery in attempt.deliveries
        if delivery.id in held
    ]
    _mark_failed(session, failed, chance)
    _give_back(session, [delivery for delivery in outcome.unsent if delivery.id in held])
    _log(session, attempts, held)
    disable_gone(session, {attempt.endpoint_id for _, attempt in failed if attempt.is_gone})
    answers = Answers(
        taken_by={one.destination.endpoint_id for one in _deliveries(taken) if one.id in held},
        refused_by={attempt.endpoint_id for _, attempt in failed},
        resting=outcome.resting,
    )
    note_answers(session, answers, now, patience)
    session.commit()


def _deliveries(attempts: Iterable[Attempt]) -> list[ClaimedDelivery]:
    return [delivery for attempt in attempts for delivery in attempt.deliveries]


def _still_held(session: Session, deliveries: Sequence[ClaimedDelivery]) -> set[int]:
    """The deliveries on which the fence is still ours; their rows stay locked."""
    if not deliveries:
        return set()
    rows = session.execute(
        select(WebhookDelivery.id, WebhookDelivery.fence)
        .where(is_among(session, WebhookDelivery.id, [one.id for one in deliveries]))
        .order_by(WebhookDelivery.id)
        .with_for_update()
    )
    standing = {(row.id, row.fence) for row in rows}
    return {delivery.id for delivery in deliveries if (delivery.id, delivery.fence) in standing}


def _mark_delivered(session: Session, attempts: Sequence[Attempt], now: datetime) -> set[int]:
    """Returns the ids of those that were still ours. Nearly all have the same fence, and those of
    one batch lead to the same request."""
    alike: dict[tuple[int, str | None], list[int]] = {}
    for attempt in attempts:
        uid = attempt.uid if attempt.is_batch else None
        for delivery in attempt.deliveries:
            alike.setdefault((delivery.fence, uid), []).append(delivery.id)
    marked: set[int] = set()
    for (fence, uid), ids in alike.items():
        ours = is_among(session, WebhookDelivery.id, ids) & (WebhookDelivery.fence == fence)
        result = session.connection().execute(
            update(WebhookDelivery)
            .where(ours)
            .values(
                state=DeliveryState.DELIVERED.value,
                attempts=case(
                    (WebhookDelivery.resumes_as.is_(None), WebhookDelivery.attempts + 1),
                    else_=WebhookDelivery.attempts,
                ),
                delivered_at=now,
                taken_in=uid,
                resumes_as=None,
                resumes_at=None,
                lease_owner=None,
                lease_expires_at=None,
            )
        )
        # As a rule that is all of them, and there is nothing to ask.
        is_all = result.rowcount == len(ids)
        marked.update(ids if is_all else session.scalars(select(WebhookDelivery.id).where(ours)))
    return marked


def _mark_failed(
    session: Session, failed: Sequence[tuple[ClaimedDelivery, Attempt]], chance: Random
) -> None:
    """Each has a next time of its own, so they are written one by one, in one statement."""
    if not failed:
        return
    table = cast(Table, WebhookDelivery.__table__)
    statement = (
        update(table)
        .where(table.c.id == bindparam("delivery_id"))
        .values(
            state=bindparam("new_state"),
            attempts=bindparam("made"),
            # What was due before a person asked is due then as before.
            next_attempt_at=func.coalesce(table.c.resumes_at, bindparam("next_at")),
            resumes_as=None,
            resumes_at=None,
            lease_owner=None,
            lease_expires_at=None,
        )
    )
    session.connection().execute(statement, [_after_failure(*one, chance) for one in failed])


def _after_failure(delivery: ClaimedDelivery, attempt: Attempt, chance: Random) -> dict[str, Any]:
    """What is written of a delivery. One that a person asked for goes on as if it had not been."""
    if delivery.resumes_as is not None:
        state: str = DeliveryState.FAILED if attempt.is_gone else delivery.resumes_as
        made, next_at = delivery.attempts, attempt.started_at
    else:
        made = delivery.attempts + 1
        wait = next_wait(
            made,
            is_overloaded=attempt.is_overloaded,
            retry_after=attempt.retry_after,
            chance=chance,
        )
        is_over = wait is None or attempt.is_gone
        state = DeliveryState.FAILED if is_over else DeliveryState.PENDING
        next_at = attempt.started_at + timedelta(seconds=wait or 0)
    return {"delivery_id": delivery.id, "new_state": str(state), "made": made, "next_at": next_at}


def _give_back(session: Session, deliveries: Sequence[ClaimedDelivery]) -> None:
    if not deliveries:
        return
    session.execute(
        update(WebhookDelivery)
        .where(is_among(session, WebhookDelivery.id, [one.id for one in deliveries]))
        .values(lease_owner=None, lease_expires_at=None)
        .execution_options(synchronize_session=False)
    )


def _log(session: Session, attempts: Sequence[Attempt], held: Collection[int]) -> None:
    rows: list[Row] = []
    for attempt in attempts:
        if not attempt.is_batch:
            if attempt.deliveries[0].id in held:
                rows.append(_row(attempt, attempt.deliveries[0], None, _headers(attempt), None))
        else:
            rows += _rows_of_batch(attempt, held)
    insert_rows(session, WebhookAttempt, ATTEMPT_COLUMNS, rows)


def _rows_of_batch(attempt: Attempt, held: Collection[int]) -> Iterator[Row]:
    """One for each delivery, of which the first holds what they have in common. If the batch was
    taken there is the first only; the deliveries lead there."""
    deliveries = [one for one in attempt.deliveries if one.id in held]
    if not deliveries:
        return
    events = orjson.dumps([one.event_id for one in attempt.deliveries]).decode()
    yield _row(attempt, deliveries[0], attempt.uid, _headers(attempt), events)
    if not attempt.is_delivered:
        rest = attempt._replace(body=None)
        for delivery in deliveries[1:]:
            yield _row(rest, delivery, attempt.uid, None, None)


def _row(
    attempt: Attempt,
    delivery: ClaimedDelivery,
    uid: str | None,
    headers: str | None,
    events: str | None,
) -> Row:
    is_manual = delivery.resumes_as is not None
    return (
        delivery.id,
        delivery.destination.endpoint_id,
        0 if is_manual else delivery.attempts + 1,
        MANUAL if is_manual else SCHEDULED,
        attempt.started_at,
        attempt.duration_ms,
        attempt.status,
        attempt.error,
        attempt.body,
        uid,
        headers,
        events,
    )


def _headers(attempt: Attempt) -> str:
    """All that the request had, as far as they may be kept."""
    others = attempt.deliveries[0].destination.headers
    shown = {**HEADERS, **masked(others)} if others else HEADERS
    return orjson.dumps({**shown, **attempt.signatures}).decode()
