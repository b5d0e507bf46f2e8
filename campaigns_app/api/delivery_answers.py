"""What the API answers about deliveries, for its description."""

from typing import Literal

from pydantic import RootModel

from campaigns_app.webhooks.objects import Count, Exact, IsoTime


class EventReference(Exact):
    """Which event it was; `id` is its `webhook-id`, or its id in a batch."""

    id: str
    type: str


class DeliveryObject(Exact):
    """One event on its way to one webhook."""

    id: int
    webhook_id: int
    event: EventReference
    state: Literal["pending", "delivered", "failed"]
    attempt_count: Count
    next_attempt_at: IsoTime | None
    delivered_at: IsoTime | None
    created_at: IsoTime


class RequestObject(Exact):
    """A request as it was sent; null is what is no longer kept. Headers that the endpoint's owner
    has added are dots. `event_count` events were told of in it."""

    headers: dict[str, str] | None
    body: str | None
    event_count: Count


class AttemptObject(Exact):
    """One attempt; `number` is 0 for one that somebody asked for. Of a response the first 16 kB are
    kept; `response_is_cut` says that there may have been more."""

    id: int
    number: Count
    trigger: Literal["scheduled", "manual"]
    started_at: IsoTime
    duration_ms: Count
    status_code: int | None
    error: str | None
    request: RequestObject
    response_body: str | None
    response_is_cut: bool


class DeliveryWithAttempts(DeliveryObject):
    """One delivery with all attempts at it, newest first."""

    attempts: list[AttemptObject]


class DeliveryList(RootModel[list[DeliveryObject]]):
    """A page of deliveries, newest first."""


class ResentAnswer(Exact):
    """How many deliveries are sent again, and whether there are more to ask for."""

    count: Count
    has_more: bool
