"""What an endpoint's answers mean for the endpoint itself. Nothing here commits."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.webhooks.models import (
    DeliveryState,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
)

PATIENCE = timedelta(days=5)
"""An endpoint that has only failed for so long is disabled."""


def note_answers(
    session: Session, taken_by: Iterable[int], refused_by: Iterable[int], now: datetime
) -> None:
    """Keep since when each endpoint has only failed; one success resets it.

    The ids may be in both. Endpoints that have failed for too long are disabled; what waits for
    them goes on waiting.
    """
    taken_by = set(taken_by)
    failing = set(refused_by) - taken_by
    _change(session, taken_by, last_success_at=now, first_failure_at=None)
    _change(session, failing, WebhookEndpoint.first_failure_at.is_(None), first_failure_at=now)
    _change(
        session,
        failing,
        WebhookEndpoint.enabled,
        WebhookEndpoint.first_failure_at <= now - PATIENCE,
        enabled=False,
        disabled_reason=DisabledReason.FAILING.value,
    )


def disable_gone(session: Session, endpoint_ids: Iterable[int]) -> None:
    """Disable endpoints that said they are gone for good, and fail what waits for them."""
    endpoint_ids = set(endpoint_ids)
    if not endpoint_ids:
        return
    # Another worker may be settling a block of the same endpoint: what it holds is its own
    # business, and waiting for one another would be a deadlock.
    waiting = (
        select(WebhookDelivery.id)
        .where(
            WebhookDelivery.endpoint_id.in_(endpoint_ids),
            WebhookDelivery.state == DeliveryState.PENDING,
        )
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(waiting))
        .values(
            state=DeliveryState.FAILED.value,
            fence=WebhookDelivery.fence + 1,
            lease_owner=None,
            lease_expires_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    _change(session, endpoint_ids, enabled=False, disabled_reason=DisabledReason.GONE.value)


def _change(session: Session, endpoint_ids: set[int], *only: Any, **values: Any) -> None:
    if not endpoint_ids:
        return
    session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id.in_(sorted(endpoint_ids)), *only)
        # `updated_at` is when a person changed the endpoint, and would change by itself.
        .values(updated_at=WebhookEndpoint.updated_at, **values)
        .execution_options(synchronize_session=False)
    )
