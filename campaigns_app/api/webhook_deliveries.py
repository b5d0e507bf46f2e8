"""What was sent to a webhook, and sending it again."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.delivery_params import read_log_params, read_replay_params
from campaigns_app.api.paging import with_link
from campaigns_app.database.types import utcnow
from campaigns_app.webhooks import replay
from campaigns_app.webhooks.events import iso
from campaigns_app.webhooks.log import (
    LogFilter,
    LoggedAttempt,
    get_delivery,
    read_attempts,
    read_log,
)
from campaigns_app.webhooks.models import WebhookDelivery
from campaigns_app.webhooks.service import get_endpoint

webhook_deliveries = Blueprint("webhook_deliveries", __name__)

BY_ENDPOINT = "/<int:endpoint_id>"
BY_ID = f"{BY_ENDPOINT}/deliveries/<int:delivery_id>"


@webhook_deliveries.get(f"{BY_ENDPOINT}/deliveries")
def index(endpoint_id: int) -> Response:
    """A page of a webhook's deliveries, newest first, as a bare array.

    `Link` says where the next page is: it begins before the last delivery of this one.
    """
    endpoint = get_endpoint(api_account().id, endpoint_id)
    wanted = read_log_params(request.args)
    chosen = LogFilter(wanted.state, wanted.event, wanted.since, wanted.until, wanted.before)
    page = read_log(endpoint, chosen, wanted.per_page)
    deliveries = jsonify([_delivery_object(entry.delivery) for entry in page.entries])
    return with_link(deliveries, page.next_before)


@webhook_deliveries.get(BY_ID)
def show(endpoint_id: int, delivery_id: int) -> Response:
    """One delivery with all attempts at it, newest first."""
    delivery = get_delivery(get_endpoint(api_account().id, endpoint_id), delivery_id)
    attempts = [_attempt_object(logged) for logged in read_attempts(delivery)]
    return jsonify({**_delivery_object(delivery), "attempts": attempts})


@webhook_deliveries.post(f"{BY_ID}/resend")
def resend(endpoint_id: int, delivery_id: int) -> Response:
    """Send one event again."""
    delivery = replay.resend_delivery(
        api_account().id, endpoint_id, delivery_id, actor=api_member().user, now=utcnow()
    )
    return jsonify(_delivery_object(delivery))


@webhook_deliveries.post(f"{BY_ENDPOINT}/resend_failed")
def resend_failed(endpoint_id: int) -> Response:
    """Send again what has failed for good since a time, not longer than 14 days ago."""
    wanted = read_replay_params(read_json())
    resent = replay.resend_failed(
        api_account().id, endpoint_id, wanted.since, actor=api_member().user, now=utcnow()
    )
    return jsonify({"count": resent.count, "has_more": resent.has_more})


@webhook_deliveries.post(f"{BY_ENDPOINT}/test")
def send_test(endpoint_id: int) -> Response:
    """Send a test event."""
    delivery = replay.send_test(
        api_account().id, endpoint_id, actor=api_member().user, now=utcnow()
    )
    return jsonify(_delivery_object(delivery))


def _delivery_object(delivery: WebhookDelivery) -> dict[str, Any]:
    is_waiting = delivery.state == "pending"
    return {
        "id": delivery.id,
        "webhook_id": delivery.endpoint_id,
        "event": {"id": delivery.event.uid, "type": delivery.event.type},
        "state": delivery.state,
        "attempt_count": delivery.attempts,
        "next_attempt_at": _iso(delivery.next_attempt_at) if is_waiting else None,
        "delivered_at": _iso(delivery.delivered_at),
        "created_at": _iso(delivery.created_at),
    }


def _attempt_object(logged: LoggedAttempt) -> dict[str, Any]:
    attempt = logged.attempt
    return {
        "id": attempt.id,
        "number": attempt.number,
        "trigger": attempt.trigger,
        "started_at": _iso(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "request": {
            "headers": logged.headers,
            "body": logged.body,
            "event_count": logged.event_count,
        },
        "response_body": logged.response_body,
        "response_is_cut": logged.is_cut,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
