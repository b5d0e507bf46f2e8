"""What a person does with webhook endpoints. Each function is one commit, unless it says so."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import User
from campaigns_app.errors import FieldError, InvalidInput, NotFound, Refused
from campaigns_app.extensions import db
from campaigns_app.webhooks.condition import Waiting, count_waiting
from campaigns_app.webhooks.custom_headers import keep_masked
from campaigns_app.webhooks.drafts import EndpointDraft, check_draft
from campaigns_app.webhooks.events import CONVERSATION_EVENTS, EVENT_TYPES
from campaigns_app.webhooks.jobs import ring
from campaigns_app.webhooks.models import (
    DisabledReason,
    WebhookEndpoint,
)
from campaigns_app.webhooks.signing import new_secret

TAKEN = FieldError("url", "Url has already been taken")


@dataclass(frozen=True, slots=True)
class EndpointSummary:
    """An endpoint, and what waits for it."""

    endpoint: WebhookEndpoint
    waiting: Waiting


def create_endpoint(
    account_id: int, draft: EndpointDraft, *, actor: User | None = None
) -> WebhookEndpoint:
    """Save an endpoint with a secret of its own, to be shown now and not again.

    Ends the present transaction first. Raises `InvalidInput`. Commits.
    """
    _check(draft)
    endpoint = WebhookEndpoint(account_id=account_id, secret=new_secret(), **_columns(draft))
    db.session.add(endpoint)
    _flush()
    if draft.enabled is False:
        _disable(endpoint)
    record("webhook_endpoint.created", actor, endpoint, after={"url": endpoint.url})
    db.session.commit()
    return endpoint


def update_endpoint(
    account_id: int, endpoint_id: int, draft: EndpointDraft, *, actor: User | None = None
) -> WebhookEndpoint:
    """Change an endpoint; its secret stays.

    Ends the present transaction first. Raises `InvalidInput`, and as `get_own_endpoint`. Commits.
    """
    if draft.headers is not None:
        stored = get_own_endpoint(account_id, endpoint_id).headers
        draft = replace(draft, headers=keep_masked(draft.headers, stored))
    _check(draft)
    endpoint = get_own_endpoint(account_id, endpoint_id)
    before = _audited(endpoint)
    for name, value in _columns(draft).items():
        setattr(endpoint, name, value)
    _flush()
    if draft.enabled is not None and draft.enabled != endpoint.enabled:
        (_enable if draft.enabled else _disable)(endpoint)
    record("webhook_endpoint.updated", actor, endpoint, before=before, after=_audited(endpoint))
    db.session.commit()
    if draft.enabled:
        ring()
    return endpoint


def rotate_secret(
    account_id: int,
    endpoint_id: int,
    *,
    now: datetime,
    keep_old: bool = True,
    actor: User | None = None,
) -> WebhookEndpoint:
    """Give an endpoint, also an inbox's own, a new secret, to be shown now and not again.

    Requests are signed with the old one too for `WEBHOOK_SECRET_GRACE_HOURS`, so that its receiver
    has time to change over; without `keep_old`, as for a secret that has leaked, at once no more.
    There is one old secret: one that was being replaced already is dropped. Raises `NotFound`.
    Commits.
    """
    endpoint = get_endpoint(account_id, endpoint_id)
    grace = timedelta(hours=current_app.config["WEBHOOK_SECRET_GRACE_HOURS"])
    kept = keep_old and bool(grace)
    endpoint.previous_secret = endpoint.secret if kept else None
    endpoint.previous_secret_expires_at = now + grace if kept else None
    endpoint.secret = new_secret()
    record("webhook_endpoint.secret_rotated", actor, endpoint, after={"old_is_kept": kept})
    db.session.commit()
    return endpoint


def enable_endpoint(account_id: int, endpoint_id: int, *, actor: User | None = None) -> None:
    """Tell the endpoint of events again, beginning with those that wait.

    Its failures until now are forgotten. Raises `NotFound`. Commits.
    """
    endpoint = get_endpoint(account_id, endpoint_id)
    _enable(endpoint)
    record("webhook_endpoint.enabled", actor, endpoint)
    db.session.commit()
    ring()


def disable_endpoint(account_id: int, endpoint_id: int, *, actor: User | None = None) -> None:
    """Tell the endpoint of nothing new; what waits for it goes on waiting.

    Raises `NotFound`. Commits.
    """
    endpoint = get_endpoint(account_id, endpoint_id)
    _disable(endpoint)
    record("webhook_endpoint.disabled", actor, endpoint)
    db.session.commit()


def delete_endpoint(account_id: int, endpoint_id: int, *, actor: User | None = None) -> None:
    """Delete an endpoint with its deliveries, sent or not. Raises as `get_own_endpoint`.
    Commits."""
    endpoint = get_own_endpoint(account_id, endpoint_id)
    record("webhook_endpoint.deleted", actor, endpoint, before={"url": endpoint.url})
    db.session.delete(endpoint)
    db.session.commit()


def get_endpoint(account_id: int, endpoint_id: int) -> WebhookEndpoint:
    """The account's endpoint with that id, an inbox's own included. Raises `NotFound`."""
    endpoint = db.session.scalar(
        select(WebhookEndpoint).where(
            WebhookEndpoint.account_id == account_id, WebhookEndpoint.id == endpoint_id
        )
    )
    if endpoint is None:
        raise NotFound(f"no webhook endpoint {endpoint_id}")
    return endpoint


def get_own_endpoint(account_id: int, endpoint_id: int) -> WebhookEndpoint:
    """The account's own endpoint with that id. Raises `NotFound`, and `Refused` for that of an
    inbox, which is changed with its inbox only; it can be enabled and disabled like any."""
    endpoint = get_endpoint(account_id, endpoint_id)
    if endpoint.inbox_id is not None:
        raise Refused("The webhook belongs to an inbox: change it there")
    return endpoint


def list_endpoints(account_id: int) -> list[EndpointSummary]:
    """The account's endpoints, those of its inboxes included, oldest first."""
    endpoints = db.session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.account_id == account_id)
        .order_by(WebhookEndpoint.id)
    ).all()
    waiting = count_waiting([endpoint.id for endpoint in endpoints])
    return [EndpointSummary(endpoint, waiting[endpoint.id]) for endpoint in endpoints]


def ensure_inbox_endpoint(
    session: Session, account_id: int, inbox_id: int, url: str | None
) -> None:
    """Make the inbox's own endpoint lead to `url`, which `check_endpoint_url` has accepted; with
    no URL there is none. Does not commit."""
    endpoint = session.scalar(
        select(WebhookEndpoint).where(
            WebhookEndpoint.account_id == account_id, WebhookEndpoint.inbox_id == inbox_id
        )
    )
    if endpoint is not None and not url:
        session.delete(endpoint)
    elif endpoint is not None and url:
        endpoint.url = url
    elif url:
        session.add(
            WebhookEndpoint(
                account_id=account_id,
                inbox_id=inbox_id,
                url=url,
                secret=new_secret(),
                subscriptions=list(CONVERSATION_EVENTS),
            )
        )


def _check(draft: EndpointDraft) -> None:
    # The name service may be slow, and SQLite lets nobody else write during a transaction.
    db.session.rollback()
    errors = list(check_draft(draft))
    if errors:
        raise InvalidInput(errors)


def _columns(draft: EndpointDraft) -> dict[str, Any]:
    wanted = [event_type for event_type in EVENT_TYPES if event_type in draft.subscriptions]
    columns: dict[str, Any] = {
        "url": draft.url,
        "name": draft.name.strip(),
        "subscriptions": wanted,
    }
    if draft.headers is not None:
        columns["headers"] = dict(draft.headers)
    if draft.batch_size is not None:
        columns["batch_size"] = draft.batch_size
    return columns


def _audited(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "url": endpoint.url,
        "subscriptions": endpoint.subscriptions,
        "headers": sorted(endpoint.headers),
        "enabled": endpoint.enabled,
        "batch_size": endpoint.batch_size,
    }


def _enable(endpoint: WebhookEndpoint) -> None:
    endpoint.enabled = True
    endpoint.disabled_reason = None
    endpoint.first_failure_at = None


def _disable(endpoint: WebhookEndpoint) -> None:
    endpoint.enabled = False
    endpoint.disabled_reason = DisabledReason.BY_HAND.value


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise InvalidInput([TAKEN]) from error
