"""Sending again what a person asks for. Each function is one commit.

Such an attempt takes none of the schedule's: if it fails, the delivery goes on as it was. What a
worker is sending at this very moment is left alone: whatever comes of that would be written over
the request.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, case, select, update

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.database.random_ids import sortable_hex
from campaigns_app.errors import FieldError, InvalidInput, OnItsWay, Refused
from campaigns_app.extensions import db
from campaigns_app.webhooks.blocks import is_on_its_way
from campaigns_app.webhooks.bundles import take_out, undo
from campaigns_app.webhooks.events import WEBHOOK_TEST, iso
from campaigns_app.webhooks.jobs import ring
from campaigns_app.webhooks.log import get_delivery
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent, is_failed
from campaigns_app.webhooks.service import get_endpoint
from campaigns_app.webhooks.states import DeliveryState

LONGEST_AGO = timedelta(days=14)
"""What failed longer ago is of no use to anybody (Svix has the same bound)."""

MARGIN = timedelta(minutes=5)
MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Resent:
    """How many deliveries were asked for again, and whether there are more to ask for."""

    count: int
    has_more: bool


def resend_delivery(
    account_id: int, endpoint_id: int, delivery_id: int, *, actor: User | None, now: datetime
) -> WebhookDelivery:
    """Send one event again now, whatever came of it until now.

    Raises `NotFound`; `Refused` for an endpoint that is disabled, `OnItsWay` for an event that is
    being sent already. Commits, then rings.
    """
    endpoint = _enabled_endpoint(account_id, endpoint_id)
    delivery = get_delivery(endpoint, delivery_id)
    _free(endpoint, delivery)
    if not _ask_again(WebhookDelivery.id == delivery.id, now):
        db.session.rollback()
        raise OnItsWay("The event is on its way right now: see first what comes of it")
    after = {"endpoint_id": endpoint.id, "event": delivery.event.uid}
    record("webhook_delivery.resent", actor, delivery, after=after)
    db.session.commit()
    ring()
    return delivery


def resend_failed(
    account_id: int, endpoint_id: int, since: datetime, *, actor: User | None, now: datetime
) -> Resent:
    """Send again what has failed for good of the events since then, `MOST_AT_ONCE` of them.

    Raises `NotFound`, `Refused` as `resend_delivery`, and `InvalidInput` for a time that lies too
    far back or in the future. Commits, then rings.
    """
    if not now - LONGEST_AGO - MARGIN <= since <= now + MARGIN:
        message = f"Since must lie within the last {LONGEST_AGO.days} days"
        raise InvalidInput([FieldError("since", message)])
    endpoint = _enabled_endpoint(account_id, endpoint_id)
    mine = (
        select(WebhookDelivery.id)
        .where(
            WebhookDelivery.endpoint_id == endpoint.id,
            is_failed(),
            WebhookDelivery.created_at >= since,
        )
        .order_by(WebhookDelivery.id)
        .limit(MOST_AT_ONCE)
    )
    count = _ask_again(WebhookDelivery.id.in_(mine), now)
    after = {"since": since.isoformat(), "count": count}
    record("webhook_endpoint.failed_resent", actor, endpoint, after=after)
    db.session.commit()
    ring()
    return Resent(count, has_more=count == MOST_AT_ONCE)


def send_test(
    account_id: int, endpoint_id: int, *, actor: User | None, now: datetime
) -> WebhookDelivery:
    """Tell an endpoint, and no other, of a test; it is tried once.

    Raises `NotFound`, `Refused` as `resend_delivery`. Commits, then rings.
    """
    endpoint = _enabled_endpoint(account_id, endpoint_id)
    event = _test_event(endpoint, now)
    db.session.add(event)
    db.session.flush()
    delivery = WebhookDelivery(
        account_id=account_id,
        event_id=event.id,
        endpoint_id=endpoint.id,
        next_attempt_at=now,
        resumes_as=DeliveryState.FAILED,
        created_at=now,
    )
    db.session.add(delivery)
    record("webhook_endpoint.tested", actor, endpoint, after={"event": event.uid})
    db.session.commit()
    ring()
    return delivery


def _test_event(endpoint: WebhookEndpoint, now: datetime) -> WebhookEvent:
    account = db.session.get_one(Account, endpoint.account_id)
    payload = {
        "account": {"id": account.id, "name": account.name},
        "webhook": {"id": endpoint.id, "name": endpoint.name},
        "occurred_at": iso(now),
        "event": WEBHOOK_TEST,
    }
    return WebhookEvent(
        account_id=account.id,
        uid=f"msg_{next(sortable_hex(1))}",
        type=WEBHOOK_TEST,
        payload=json.dumps(payload, ensure_ascii=False),
        created_at=now,
    )


def _enabled_endpoint(account_id: int, endpoint_id: int) -> WebhookEndpoint:
    endpoint = get_endpoint(account_id, endpoint_id)
    if not endpoint.enabled:
        raise Refused("The webhook is disabled: enable it first")
    endpoint.rests_until = None
    return endpoint


def _free(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> None:
    """Let the delivery go its own way, if it is in a bundle that is not on its way."""
    if delivery.bundle_id is None:
        return
    session = db.session()
    # Nobody claims for the endpoint until this is committed.
    session.refresh(endpoint, with_for_update=True)
    this = WebhookDelivery.id == delivery.id
    if session.scalar(select(is_on_its_way(session)).where(this)):
        return
    if delivery.state == DeliveryState.PENDING:
        undo(session, [delivery.bundle_id])
    else:
        take_out(session, this)


def _ask_again(which: Any, now: datetime) -> int:
    """Let deliveries be due now, but for those on their way; returns how many. What was asked for
    already keeps what it goes on with."""
    is_asked_for = WebhookDelivery.resumes_as.is_not(None)
    asked = db.session.execute(
        update(WebhookDelivery)
        .where(which, ~is_on_its_way(db.session()))
        .values(
            resumes_as=case(
                (is_asked_for, WebhookDelivery.resumes_as), else_=WebhookDelivery.own_state
            ),
            resumes_at=case(
                (is_asked_for, WebhookDelivery.resumes_at), else_=WebhookDelivery.next_attempt_at
            ),
            own_state=DeliveryState.PENDING.value,
            next_attempt_at=now,
        )
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", asked).rowcount
