"""What an endpoint's answers mean for the endpoint itself. Nothing here commits."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnExpressionArgument, CursorResult, or_, select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.audit import record
from campaigns_app.database.clock import now_plus
from campaigns_app.webhooks.batching import LARGEST_BATCH
from campaigns_app.webhooks.blocks import is_taken
from campaigns_app.webhooks.bundle_model import WebhookBundle
from campaigns_app.webhooks.bundles import is_free, undo
from campaigns_app.webhooks.models import (
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
    is_pending,
)
from campaigns_app.webhooks.states import DeliveryState

REST_SECONDS = 10
"""How long an endpoint that is overloaded, or does not answer, is left alone by all workers; one
that refuses everything at once, at most so long."""

NEWS_SECONDS = 1
"""An endpoint's last success is not written more often: many workers would wait for its row."""

MOST_FAILED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Answers:
    """The ids of the endpoints that took something, and that refused something (it can be both),
    and for how many seconds endpoints are to be left alone, by their ids."""

    taken_by: Set[int]
    refused_by: Set[int]
    resting: Mapping[int, int]


def note_answers(session: Session, answers: Answers, now: datetime, patience: timedelta) -> None:
    """Keep since when each endpoint has only failed; one success resets it.

    Endpoints that have failed for too long are disabled; what waits for them goes on waiting.
    """
    failing = answers.refused_by - answers.taken_by
    is_news = or_(
        WebhookEndpoint.first_failure_at.is_not(None),
        WebhookEndpoint.last_success_at.is_(None),
        WebhookEndpoint.last_success_at < now - timedelta(seconds=NEWS_SECONDS),
    )
    _change(session, answers.taken_by, is_news, last_success_at=now, first_failure_at=None)
    _change(session, failing, WebhookEndpoint.first_failure_at.is_(None), first_failure_at=now)
    has_failed_too_long = WebhookEndpoint.first_failure_at <= now - patience
    _disable(session, failing, DisabledReason.FAILING, WebhookEndpoint.enabled, has_failed_too_long)
    for seconds in set(answers.resting.values()):
        tired = {key for key, wanted in answers.resting.items() if wanted == seconds}
        _change(session, tired, rests_until=now_plus(seconds))


def disable_gone(session: Session, endpoint_ids: Set[int]) -> None:
    """Disable endpoints that said they are gone for good, and fail what waits for them."""
    if not endpoint_ids:
        return
    reason = WebhookEndpoint.disabled_reason
    is_news = or_(reason.is_(None), reason != DisabledReason.GONE)
    _disable(session, endpoint_ids, DisabledReason.GONE, is_news)
    fail_waiting_for_gone(session)


def fail_waiting_for_gone(session: Session) -> int:
    """Fail what waits for endpoints that are gone, as much as one transaction should; returns how
    much that was. The sweep does the rest."""
    gone = session.scalars(
        select(WebhookEndpoint.id).where(WebhookEndpoint.disabled_reason == DisabledReason.GONE)
    ).all()
    if not gone:
        return 0
    dialect = session.connection().dialect.name
    bundles = (
        select(WebhookBundle.id)
        .where(WebhookBundle.endpoint_id.in_(gone), is_free(dialect))
        .limit(MOST_FAILED_AT_ONCE // LARGEST_BATCH)
        .with_for_update(skip_locked=True)
    )
    undo(session, session.scalars(bundles).all())
    waiting = (
        select(WebhookDelivery.id)
        # What a worker has taken is its own business.
        .where(WebhookDelivery.endpoint_id.in_(gone), is_pending(), ~is_taken(dialect))
        .limit(MOST_FAILED_AT_ONCE)
        # Two may be doing this at once: waiting for one another would be a deadlock.
        .with_for_update(skip_locked=True)
    )
    failed = session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(waiting))
        .values(
            own_state=DeliveryState.FAILED.value,
            resumes_as=None,
            resumes_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", failed).rowcount


def _disable(
    session: Session,
    endpoint_ids: Set[int],
    reason: DisabledReason,
    *only: ColumnExpressionArgument[bool],
) -> None:
    """Disable those of the endpoints of which all of `only` is true; the audit log tells of it."""
    values = {"enabled": False, "disabled_reason": reason.value}
    for endpoint_id in _change(session, endpoint_ids, *only, **values):
        endpoint = session.get_one(WebhookEndpoint, endpoint_id, populate_existing=True)
        record("webhook_endpoint.disabled", None, endpoint, after={"reason": reason.value})


def _change(
    session: Session, endpoint_ids: Set[int], *only: ColumnExpressionArgument[bool], **values: Any
) -> Sequence[int]:
    """Returns the ids of those that were changed."""
    if not endpoint_ids:
        return ()
    changed = session.connection().execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id.in_(sorted(endpoint_ids)), *only)
        # `updated_at` is when a person changed the endpoint, and would change by itself.
        .values(updated_at=WebhookEndpoint.updated_at, **values)
        .returning(WebhookEndpoint.id)
    )
    return changed.scalars().all()
