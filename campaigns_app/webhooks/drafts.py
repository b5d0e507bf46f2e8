"""What a person says about an endpoint, and what is wrong with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask import current_app

from campaigns_app.database.text import is_storable
from campaigns_app.destinations import UrlFault, check_url
from campaigns_app.errors import FieldError
from campaigns_app.webhooks.batching import LARGEST_BATCH
from campaigns_app.webhooks.custom_headers import check_headers, masked
from campaigns_app.webhooks.events import EVENT_TYPES
from campaigns_app.webhooks.models import WebhookEndpoint

NAME_LENGTH = 255
URL_FAULTS = {
    UrlFault.INVALID: "is invalid",
    UrlFault.PORT: "has a port that is not allowed (80, 443, and those from 1024 are)",
    UrlFault.NOT_ALLOWED: "leads into a private network, which is not allowed",
}


@dataclass(frozen=True, slots=True)
class EndpointDraft:
    """What a person says about an endpoint. `subscriptions` are types of events; `headers` are
    sent with every request, which tells of up to `batch_size` events. None stands for what it is
    already, or is by default."""

    url: str
    subscriptions: Sequence[str]
    name: str = ""
    headers: Mapping[str, str] | None = None
    enabled: bool | None = None
    batch_size: int | None = None


def draft_of(endpoint: WebhookEndpoint) -> EndpointDraft:
    """The endpoint as it is, to be changed and given back."""
    return EndpointDraft(
        endpoint.url,
        endpoint.subscriptions,
        endpoint.name,
        masked(endpoint.headers),
        endpoint.enabled,
        endpoint.batch_size,
    )


def check_draft(draft: EndpointDraft) -> Iterator[FieldError]:
    """What is wrong with `draft`. Asks the name service: see `check_endpoint_url`."""
    yield from check_endpoint_url(draft.url)
    if len(draft.name) > NAME_LENGTH:
        yield FieldError("name", f"Name is too long (maximum is {NAME_LENGTH} characters)")
    if not is_storable(draft.name):
        yield FieldError("name", "Name is invalid")
    if not draft.subscriptions or not set(draft.subscriptions) <= set(EVENT_TYPES):
        yield FieldError("subscriptions", "Subscriptions Invalid events")
    yield from check_headers(draft.headers or {})
    if draft.batch_size is not None and not 1 <= draft.batch_size <= LARGEST_BATCH:
        message = f"Batch size must be a whole number from 1 to {LARGEST_BATCH}"
        yield FieldError("batch_size", message)


def check_endpoint_url(url: str, field: str = "url") -> list[FieldError]:
    """What is wrong with a URL that somebody wants to be told at, as errors of `field`.

    Asks the name service, which can take seconds: end the present transaction before.
    """
    fault = check_url(url, current_app.config["WEBHOOK_ALLOWED_NETWORKS"])
    if fault is None:
        return []
    return [FieldError(field, f"{field.replace('_', ' ').capitalize()} {URL_FAULTS[fault]}")]
