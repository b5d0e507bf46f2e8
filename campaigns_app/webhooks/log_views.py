"""The delivery log of a webhook endpoint, and what can be done from it."""

from collections.abc import Set
from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from campaigns_app.accounts.access import current_account
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput, OnItsWay, Refused
from campaigns_app.webhooks import replay
from campaigns_app.webhooks.condition import find_stuck, read_condition
from campaigns_app.webhooks.events import EVENT_TYPES, WEBHOOK_TEST
from campaigns_app.webhooks.forms import ReplayForm
from campaigns_app.webhooks.log import (
    LogFilter,
    get_delivery,
    is_being_sent,
    read_attempts,
    read_log,
    read_siblings,
)
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.service import get_endpoint
from campaigns_app.webhooks.states import DeliveryState

blueprint = Blueprint("log", __name__, url_prefix="/<int:endpoint_id>")

BADGES = {"pending": "info", "delivered": "success", "failed": "danger"}
"""The kind of badge for each state of a delivery."""

PERIODS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
"""The times back from now that the log can be narrowed to."""

BUSY_SECONDS = 2
QUIET_SECONDS = 15


@blueprint.app_context_processor
def offer_stuck_webhooks() -> dict[str, object]:
    """Let any page ask for the present account's endpoints whose events are stuck."""
    return {"stuck_webhooks": lambda: find_stuck(current_account().id, utcnow())}


@blueprint.get("/log")
def log(endpoint_id: int) -> ResponseReturnValue:
    """How it goes with the endpoint and the same page of its deliveries, as they are now."""
    endpoint = get_endpoint(current_account().id, endpoint_id)
    return render_template("webhooks/_log.html", endpoint=endpoint, **what_happens(endpoint))


@blueprint.get("/deliveries/<int:delivery_id>")
def delivery(endpoint_id: int, delivery_id: int) -> ResponseReturnValue:
    """One delivery with every attempt at it."""
    return render_template("webhooks/delivery.html", **_one_delivery(endpoint_id, delivery_id))


@blueprint.get("/deliveries/<int:delivery_id>/attempts")
def attempts(endpoint_id: int, delivery_id: int) -> ResponseReturnValue:
    """The attempts at a delivery, as they are now; nothing where they are as the page shows them
    (`seen`), so that whoever reads or copies a request is not disturbed."""
    now = _one_delivery(endpoint_id, delivery_id)
    if request.args.get("seen") == now["version"]:
        return "", 204
    return render_template("webhooks/_attempts.html", **now)


@blueprint.post("/deliveries/<int:delivery_id>/resend")
def resend(endpoint_id: int, delivery_id: int) -> ResponseReturnValue:
    """Send one event again."""
    try:
        replay.resend_delivery(
            current_account().id, endpoint_id, delivery_id, actor=current_user, now=utcnow()
        )
    except OnItsWay:
        flash(_("WEBHOOKS.REPLAY.ON_ITS_WAY"), "info")
    except Refused:
        flash(_("WEBHOOKS.REPLAY.DISABLED"), "danger")
    else:
        flash(_("WEBHOOKS.REPLAY.RESENT"), "success")
    place = url_for(".delivery", endpoint_id=endpoint_id, delivery_id=delivery_id)
    return redirect(place, 303)


@blueprint.get("/resend_failed")
def confirm_resend_failed(endpoint_id: int) -> ResponseReturnValue:
    """The question since when what has failed is to be sent again."""
    endpoint = get_endpoint(current_account().id, endpoint_id)
    return render_template("webhooks/resend_failed.html", endpoint=endpoint, form=ReplayForm())


@blueprint.post("/resend_failed")
def resend_failed(endpoint_id: int) -> ResponseReturnValue:
    """Send again what has failed since a time."""
    endpoint, form = get_endpoint(current_account().id, endpoint_id), ReplayForm()
    if form.validate():
        try:
            _resend_failed(endpoint, form.began_at(now := utcnow()), now)
        except Refused:
            flash(_("WEBHOOKS.REPLAY.DISABLED"), "danger")
            return redirect(url_for("webhooks.show", endpoint_id=endpoint_id), 303)
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return redirect(url_for("webhooks.show", endpoint_id=endpoint_id), 303)
    return render_template("webhooks/resend_failed.html", endpoint=endpoint, form=form), 422


@blueprint.post("/test")
def send_test(endpoint_id: int) -> ResponseReturnValue:
    """Send a test event; the answer is seen on its page."""
    try:
        sent = replay.send_test(current_account().id, endpoint_id, actor=current_user, now=utcnow())
    except Refused:
        flash(_("WEBHOOKS.REPLAY.DISABLED"), "danger")
        return redirect(url_for("webhooks.show", endpoint_id=endpoint_id), 303)
    flash(_("WEBHOOKS.REPLAY.TESTED"), "success")
    return redirect(url_for(".delivery", endpoint_id=endpoint_id, delivery_id=sent.id), 303)


def what_happens(endpoint: WebhookEndpoint) -> dict[str, object]:
    """What the page of an endpoint shows, of that part of the log which its address asks for."""
    now = utcnow()
    chosen = _chosen()
    condition = read_condition(endpoint)
    is_busy = endpoint.enabled and condition.waiting.count
    return {
        "now": now,
        "log": read_log(endpoint, _filter(chosen, now)),
        "chosen": chosen,
        "condition": condition,
        "badges": BADGES,
        "states": [state.value for state in DeliveryState],
        "event_types": (*EVENT_TYPES, WEBHOOK_TEST),
        "periods": list(PERIODS),
        "refresh_seconds": BUSY_SECONDS if is_busy else QUIET_SECONDS,
    }


def _resend_failed(endpoint: WebhookEndpoint, since: datetime, now: datetime) -> None:
    resent = replay.resend_failed(
        endpoint.account_id, endpoint.id, since, actor=current_user, now=now
    )
    text = ngettext("WEBHOOKS.REPLAY.FAILED_RESENT", "WEBHOOKS.REPLAY.FAILED_RESENT", resent.count)
    flash(text, "success")
    if resent.has_more:
        flash(_("WEBHOOKS.REPLAY.MORE"), "info")


def _chosen() -> dict[str, str]:
    """What the address asks for, as far as there is such a thing."""
    known: dict[str, Set[str]] = {
        "state": set(DeliveryState),
        "event": {*EVENT_TYPES, WEBHOOK_TEST},
        "period": set(PERIODS),
    }
    chosen = {
        name: value
        for name, values in known.items()
        if (value := request.args.get(name, "")) in values
    }
    before = request.args.get("before", type=int)
    return chosen | ({"before": str(before)} if before and 0 < before < 2**63 else {})


def _filter(chosen: dict[str, str], now: datetime) -> LogFilter:
    period = PERIODS.get(chosen.get("period", ""))
    return LogFilter(
        state=chosen.get("state"),
        event_type=chosen.get("event"),
        since=now - period if period else None,
        before=int(chosen["before"]) if "before" in chosen else None,
    )


def _one_delivery(endpoint_id: int, delivery_id: int) -> dict[str, object]:
    endpoint = get_endpoint(current_account().id, endpoint_id)
    found = get_delivery(endpoint, delivery_id)
    is_busy = endpoint.enabled and found.state == DeliveryState.PENDING
    being_sent, attempts, siblings = (
        is_being_sent(found),
        read_attempts(found),
        read_siblings(found),
    )
    told = [found.state, being_sent, len(attempts), found.next_attempt_at.timestamp()]
    return {
        "endpoint": endpoint,
        "delivery": found,
        "is_being_sent": being_sent,
        "attempts": attempts,
        "siblings": siblings,
        "version": "-".join(map(str, told + [other.state for other in siblings])),
        "badges": BADGES,
        "refresh_seconds": BUSY_SECONDS if is_busy else None,
    }
