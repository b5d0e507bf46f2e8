"""What became of claimed deliveries; knows the database, not the network."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, cast

import orjson
from sqlalchemy import Executable, Table, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from campaigns_app.database.among import among, id_list, is_among
from campaigns_app.database.bulk import insert_rows
from campaigns_app.database.copy_text import Row
from campaigns_app.webhooks import blocks
from campaigns_app.webhooks.bundle_settlement import settle_bundles
from campaigns_app.webhooks.custom_headers import masked
from campaigns_app.webhooks.health import Answers, disable_gone, note_answers
from campaigns_app.webhooks.models import AttemptTrigger, WebhookAttempt, WebhookDelivery
from campaigns_app.webhooks.schedule import next_wait
from campaigns_app.webhooks.sending import HEADERS, Attempt, ClaimedDelivery, Outcome, Request
from campaigns_app.webhooks.states import DeliveryState

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

    An endpoint that has only failed for as long as `patience` is disabled. Deliveries that another
    worker has taken over meanwhile are left to it.
    """
    deliveries = [*_deliveries(outcome.attempts), *outcome.unsent]
    asked = [one.request.bundle for one in outcome.attempts if one.request.bundle]
    bundles = [*asked, *outcome.unsent_bundles]
    block_ids = {one.block_id for one in deliveries} | {one.block_id for one in bundles}
    held = blocks.hold(session, block_ids)
    attempts = [one for one in outcome.attempts if one.request.bundle is None]
    of_bundles = settle_bundles(session, outcome.attempts, held, now)
    taken = [one for one in attempts if one.is_delivered]
    taken_bundles = [one for one in of_bundles if one.is_delivered]
    refused = [one for one in (*attempts, *of_bundles) if not one.is_delivered]
    ours = _mark_delivered(session, taken, held, now)
    ours |= _standing(session, _ids_of(_deliveries(refused), held))
    ours |= {one.id for one in _deliveries(taken_bundles)}
    failed = [
        (delivery, attempt)
        for attempt in refused
        for delivery in attempt.request.deliveries
        if delivery.id in ours
    ]
    _mark_failed(session, failed, chance)
    _log(session, (*attempts, *of_bundles), ours)
    blocks.let_go(session, held, {one.id for one in deliveries}, {one.id for one in bundles})
    told = [one for one in (*taken, *taken_bundles) if one.request.deliveries[0].id in ours]
    _heed(session, told, [attempt for _, attempt in failed], outcome.resting, now, patience)
    session.commit()


def _heed(
    session: Session,
    taken: Iterable[Attempt],
    refused: Sequence[Attempt],
    resting: Mapping[int, int],
    now: datetime,
    patience: timedelta,
) -> None:
    """What all that means for the endpoints themselves."""
    disable_gone(session, {one.request.destination.endpoint_id for one in refused if one.is_gone})
    answers = Answers(
        taken_by={one.request.destination.endpoint_id for one in taken},
        refused_by={one.request.destination.endpoint_id for one in refused},
        resting=resting,
    )
    note_answers(session, answers, now, patience)


def _deliveries(attempts: Iterable[Attempt]) -> list[ClaimedDelivery]:
    return [delivery for attempt in attempts for delivery in attempt.request.deliveries]


def _ids_of(deliveries: Iterable[ClaimedDelivery], held: Container[int]) -> list[int]:
    """Their ids, but for those whose block is not ours any more."""
    return [one.id for one in deliveries if one.block_id in held]


def _standing(session: Session, ids: Sequence[int]) -> set[int]:
    """Those that are still there: an endpoint may have been deleted. Their rows stay locked."""
    if not ids:
        return set()
    found = select(WebhookDelivery.id).where(is_among(session, WebhookDelivery.id, ids))
    return set(session.scalars(found.order_by(WebhookDelivery.id).with_for_update()))


def _mark_delivered(
    session: Session, attempts: Sequence[Attempt], held: Container[int], now: datetime
) -> set[int]:
    """Returns the ids of those that were ours. Those of one batch lead to the same request."""
    by_request: dict[str | None, list[int]] = {}
    for attempt in attempts:
        request = attempt.request
        uid = request.uid if request.is_batch else None
        by_request.setdefault(uid, []).extend(_ids_of(request.deliveries, held))
    connection = session.connection()
    dialect = connection.dialect.name
    ours: set[int] = set()
    for uid, ids in by_request.items():
        values = {"ids": id_list(dialect, ids), "now": now, "uid": uid}
        result = connection.execute(_delivering(dialect), values)
        # As a rule that is all of them, and there is nothing to ask.
        ours.update(ids if result.rowcount == len(ids) else _standing(session, ids))
    return ours


@cache
def _delivering(dialect: str) -> Executable:
    table = cast(Table, WebhookDelivery.__table__)
    is_scheduled = table.c.resumes_as.is_(None)
    return (
        update(table)
        .where(among(dialect, table.c.id, bindparam("ids")))
        .values(
            state=DeliveryState.DELIVERED.value,
            attempts=table.c.attempts + case((is_scheduled, 1), else_=0),
            delivered_at=bindparam("now"),
            taken_in=bindparam("uid"),
            resumes_as=None,
            resumes_at=None,
        )
    )


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
        )
    )
    session.connection().execute(statement, [_after_failure(*one, chance) for one in failed])


def _after_failure(delivery: ClaimedDelivery, attempt: Attempt, chance: Random) -> dict[str, Any]:
    """What is written of a delivery. One that a person asked for goes on as if it had not been."""
    if delivery.resumes_as is not None:
        state: str = DeliveryState.FAILED if attempt.is_gone else delivery.resumes_as
        made, next_at = delivery.attempts, _began_at(attempt)
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
        next_at = _began_at(attempt) + timedelta(seconds=wait or 0)
    return {"delivery_id": delivery.id, "new_state": str(state), "made": made, "next_at": next_at}


def _log(session: Session, attempts: Sequence[Attempt], ours: Collection[int]) -> None:
    rows: list[Row] = []
    for attempt in attempts:
        request = attempt.request
        if request.is_batch:
            rows += _rows_of_batch(attempt, ours)
        elif request.deliveries[0].id in ours:
            rows.append(_row(attempt, request.deliveries[0], None, _headers(request), None))
    insert_rows(session, WebhookAttempt, ATTEMPT_COLUMNS, rows)


def _rows_of_batch(attempt: Attempt, ours: Collection[int]) -> Iterator[Row]:
    """One for each delivery, of which the first holds what they have in common. If the batch was
    taken there is the first only; the deliveries lead there."""
    request = attempt.request
    deliveries = [one for one in request.deliveries if one.id in ours]
    if not deliveries:
        return
    events = orjson.dumps(request.event_ids).decode()
    yield _row(attempt, deliveries[0], request.uid, _headers(request), events)
    if not attempt.is_delivered:
        rest = attempt._replace(body=None)
        for delivery in deliveries[1:]:
            yield _row(rest, delivery, request.uid, None, None)


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
        _began_at(attempt),
        attempt.duration_ms,
        attempt.status,
        attempt.error,
        _as_text(attempt.body),
        uid,
        headers,
        events,
    )


def _began_at(attempt: Attempt) -> datetime:
    return datetime.fromtimestamp(attempt.started_at, UTC)


def _headers(request: Request) -> str:
    """All that the request had, as far as they may be kept."""
    shown = {**HEADERS, **request.headers}
    if others := request.destination.headers:
        shown |= masked(others)
    return orjson.dumps(shown).decode()


def _as_text(body: bytes | None) -> str | None:
    """The body as it can be stored: PostgreSQL keeps no NUL."""
    if not body:
        return None if body is None else ""
    return body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
