"""What became of bundles; knows the database, not the network. Nothing here commits."""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, bindparam, select, update
from sqlalchemy.orm import Session

from campaigns_app.webhooks.bundle_model import WebhookBundle
from campaigns_app.webhooks.bundles import undo
from campaigns_app.webhooks.models import WebhookDelivery
from campaigns_app.webhooks.sending import Attempt, ClaimedBundle, ClaimedDelivery
from campaigns_app.webhooks.states import DeliveryState


def settle_bundles(
    session: Session, attempts: Iterable[Attempt], held: Container[int], now: datetime
) -> list[Attempt]:
    """Mark the bundles that were taken, and undo those that were refused.

    Returns the attempts with the deliveries of which more is to be written: of a refused bundle
    all, of one that was taken the first. Those of bundles that are not ours any more, because
    their block is not in `held` or they are gone, are left out.
    """
    bundled = [(one.request.bundle, one) for one in attempts if one.request.bundle]
    ours = [(bundle, attempt) for bundle, attempt in bundled if bundle.block_id in held]
    taken = [(bundle, attempt.request.uid) for bundle, attempt in ours if attempt.is_delivered]
    rows = _first_deliveries(session, [bundle for bundle, _ in taken])
    _mark_taken(session, taken, now)
    rows += undo(session, [bundle.id for bundle, attempt in ours if not attempt.is_delivered])
    by_bundle: dict[int, list[Row[Any]]] = {}
    for row in rows:
        by_bundle.setdefault(row.bundle_id, []).append(row)
    return [
        _about(attempt, _claimed(bundle, by_bundle[bundle.id]))
        for bundle, attempt in ours
        if bundle.id in by_bundle
    ]


def _about(attempt: Attempt, deliveries: tuple[ClaimedDelivery, ...]) -> Attempt:
    return attempt._replace(request=attempt.request._replace(deliveries=deliveries))


MARKING = (
    update(cast(Table, WebhookBundle.__table__))
    .where(WebhookBundle.id == bindparam("bundle_id"))
    .values(
        state=DeliveryState.DELIVERED.value,
        attempts=1,
        taken_in=bindparam("uid"),
        delivered_at=bindparam("now"),
    )
)


def _mark_taken(
    session: Session, taken: Iterable[tuple[ClaimedBundle, str]], now: datetime
) -> None:
    """Each in the request of that id."""
    marks = [{"bundle_id": bundle.id, "uid": uid, "now": now} for bundle, uid in taken]
    if marks:
        session.connection().execute(MARKING, marks)


def _first_deliveries(session: Session, bundles: Sequence[ClaimedBundle]) -> list[Row[Any]]:
    if not bundles:
        return []
    columns = (WebhookDelivery.id, WebhookDelivery.event_id, WebhookDelivery.bundle_id)
    return list(
        session.execute(
            select(*columns).where(
                WebhookDelivery.event_id.in_([one.event_ids[0] for one in bundles]),
                WebhookDelivery.bundle_id.in_([one.id for one in bundles]),
            )
        )
    )


def _claimed(bundle: ClaimedBundle, rows: Iterable[Row[Any]]) -> tuple[ClaimedDelivery, ...]:
    return tuple(
        ClaimedDelivery(
            id=row.id,
            attempts=0,
            resumes_as=None,
            event_id=row.event_id,
            conversation_id=None,
            uid="",
            payload=b"",
            block_id=bundle.block_id,
            destination=bundle.destination,
            claimed_at=bundle.claimed_at,
        )
        for row in rows
    )
