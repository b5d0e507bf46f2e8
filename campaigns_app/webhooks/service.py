"""What a person does with webhook endpoints. Each function is one commit, unless it says so."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import User
from campaigns_app.database.text import is_storable
from campaigns_app.destinations import UrlFault, check_url
from campaigns_app.errors import FieldError, InvalidInput, NotFound
from campaigns_app.extensions import db
from campaigns_app.webhooks.events import EVENT_TYPES
from campaigns_app.webhooks.jobs import ring
from campaigns_app.webhooks.models import (
    DeliveryState,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
)
from campaigns_app.webhooks.signing import new_secret

NAME_LENGTH = 255
TAKEN = FieldError("url", "Url has already been taken")
URL_FAULTS = {
    UrlFault.INVALID: "is invalid",
    UrlFault.NOT_ALLOWED: "leads into a private network, which is not allowed",
}


@dataclass(frozen=True, slots=True)
class EndpointDraft:
    """What a person says about an endpoint. `subscriptions` are types of events."""

    url: str
    subscriptions: Sequence[str]
    name: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSummary:
    """An endpoint, and how many deliveries wait for it."""

    endpoint: WebhookEndpoint
    waiting_count: int


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
    record("webhook_endpoint.created", actor, endpoint, after={"url": endpoint.url})
    db.session.commit()
    return endpoint


def update_endpoint(
    account_id: int, endpoint_id: int, draft: EndpointDraft, *, actor: User | None = None
) -> WebhookEndpoint:
    """Change an endpoint; its secret stays.

    Ends the present transaction first. Raises `NotFound` and `InvalidInput`. Commits.
    """
    _check(draft)
    endpoint = get_own_endpoint(account_id, endpoint_id)
    before = {"url": endpoint.url, "subscriptions": endpoint.subscriptions}
    for name, value in _columns(draft).items():
        setattr(endpoint, name, value)
    _flush()
    after = {"url": endpoint.url, "subscriptions": endpoint.subscriptions}
    record("webhook_endpoint.updated", actor, endpoint, before=before, after=after)
    db.session.commit()
    return endpoint


def enable_endpoint(account_id: int, endpoint_id: int, *, actor: User | None = None) -> None:
    """Tell the endpoint of events again, beginning with those that wait.

    Its failures until now are forgotten. Raises `NotFound`. Commits.
    """
    endpoint = get_endpoint(account_id, endpoint_id)
    endpoint.enabled = True
    endpoint.disabled_reason = None
    endpoint.first_failure_at = None
    record("webhook_endpoint.enabled", actor, endpoint)
    db.session.commit()
    ring()


def disable_endpoint(account_id: int, endpoint_id: int, *, actor: User | None = None) -> None:
    """Tell the endpoint of nothing new; what waits for it goes on waiting.

    Raises `NotFound`. Commits.
    """
    endpoint = get_endpoint(account_id, endpoint_id)
    endpoint.enabled = False
    endpoint.disabled_reason = DisabledReason.BY_HAND.value
    record("webhook_endpoint.disabled", actor, endpoint)
    db.session.commit()


def delete_endpoint(account_id: int, endpoint_id: int, *, actor: User | None = None) -> None:
    """Delete an endpoint with its deliveries, sent or not. Raises `NotFound`. Commits."""
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
    """The account's own endpoint with that id. Those of inboxes can be changed with their inbox
    only. Raises `NotFound`."""
    endpoint = get_endpoint(account_id, endpoint_id)
    if endpoint.inbox_id is not None:
        raise NotFound(f"webhook endpoint {endpoint_id} belongs to an inbox")
    return endpoint


def list_endpoints(account_id: int) -> list[EndpointSummary]:
    """The account's endpoints, those of its inboxes included, oldest first."""
    endpoints = db.session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.account_id == account_id)
        .order_by(WebhookEndpoint.id)
    ).all()
    waiting = _waiting_counts([endpoint.id for endpoint in endpoints])
    return [EndpointSummary(endpoint, waiting.get(endpoint.id, 0)) for endpoint in endpoints]


def check_endpoint_url(url: str, field: str = "url") -> list[FieldError]:
    """What is wrong with a URL that somebody wants to be told at, as errors of `field`.

    Asks the name service, which can take seconds: end the present transaction before.
    """
    fault = check_url(url, current_app.config["WEBHOOK_ALLOWED_NETWORKS"])
    if fault is None:
        return []
    return [FieldError(field, f"{field.replace('_', ' ').capitalize()} {URL_FAULTS[fault]}")]


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
                subscriptions=list(EVENT_TYPES),
            )
        )


def _check(draft: EndpointDraft) -> None:
    # The name service may be slow, and SQLite lets nobody else write during a transaction.
    db.session.rollback()
    errors = list(_faults(draft))
    if errors:
        raise InvalidInput(errors)


def _faults(draft: EndpointDraft) -> Iterator[FieldError]:
    yield from check_endpoint_url(draft.url)
    if len(draft.name) > NAME_LENGTH:
        yield FieldError("name", f"Name is too long (maximum is {NAME_LENGTH} characters)")
    if not is_storable(draft.name):
        yield FieldError("name", "Name is invalid")
    if not draft.subscriptions or not set(draft.subscriptions) <= set(EVENT_TYPES):
        yield FieldError("subscriptions", "Subscriptions Invalid events")


def _columns(draft: EndpointDraft) -> dict[str, str | list[str]]:
    wanted = [event_type for event_type in EVENT_TYPES if event_type in draft.subscriptions]
    return {"url": draft.url, "name": draft.name.strip(), "subscriptions": wanted}


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise InvalidInput([TAKEN]) from error


def _waiting_counts(endpoint_ids: Collection[int]) -> dict[int, int]:
    rows = db.session.execute(
        select(WebhookDelivery.endpoint_id, func.count().label("waiting"))
        .where(
            WebhookDelivery.endpoint_id.in_(endpoint_ids),
            WebhookDelivery.state == DeliveryState.PENDING,
        )
        .group_by(WebhookDelivery.endpoint_id)
    )
    return {row.endpoint_id: row.waiting for row in rows}
