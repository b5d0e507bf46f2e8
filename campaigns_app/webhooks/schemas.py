"""What each event's payload looks like, as models of which JSON Schemas are made.

They are published, and every payload in the tests is held against them; sending does not go
through them, for there are two payloads for every recipient of a campaign. Exact: a key that is
not here is never sent.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from campaigns_app.webhooks import events
from campaigns_app.webhooks.batching import LARGEST_BATCH
from campaigns_app.webhooks.objects import (
    AccountReference,
    ContactFacts,
    ConversationFacts,
    Count,
    Exact,
    InboxReference,
    IsoTime,
    MessageFacts,
    UnixSeconds,
)


class AttributeChange(Exact):
    """What an attribute was, and what it is now."""

    previous_value: Any
    current_value: Any


Changes = Annotated[list[dict[str, AttributeChange]], Field(min_length=1)]


class ContactOfAccount(ContactFacts):
    """A contact and the account that it belongs to."""

    account: AccountReference
    avatar: str


class ConversationCreated(ConversationFacts):
    """A campaign opened a conversation with a contact; its first message is in `messages`."""

    event: Literal["conversation_created"]


class MessageCreated(MessageFacts):
    """A campaign wrote a message into a conversation."""

    event: Literal["message_created"]


class MessageUpdated(MessageFacts):
    """A message changed: it was delivered or read, or it failed."""

    changed_attributes: Changes
    event: Literal["message_updated"]


class ContactCreated(ContactOfAccount):
    """A contact was made by hand or by an import."""

    event: Literal["contact_created"]


class ContactUpdated(ContactOfAccount):
    """A contact was changed by hand or by an import."""

    changed_attributes: Changes
    event: Literal["contact_updated"]


class RecipientCounts(Exact):
    """How many recipients of a campaign are in each state; they add up to `total`."""

    total: Count
    pending: Count
    sending: Count
    sent: Count
    delivered: Count
    read: Count
    failed: Count
    skipped: Count
    unknown: Count
    cancelled: Count


class CampaignFacts(Exact):
    """A campaign at the moment of an event; `id` is the one of the API's paths."""

    id: int
    title: str
    inbox: InboxReference
    phase: Literal["scheduled", "paused", "sending", "finished", "cancelled", "failed"]
    scheduled_at: UnixSeconds | None
    started_at: UnixSeconds | None
    finished_at: UnixSeconds | None
    counts: RecipientCounts


class CampaignEvent(Exact):
    """Something that happened to a campaign as a whole."""

    account: AccountReference
    campaign: CampaignFacts
    occurred_at: IsoTime


class CampaignStarted(CampaignEvent):
    """A campaign started: its audience is frozen, and `counts` says how it divides."""

    event: Literal["campaign_started"]


class CampaignFinished(CampaignEvent):
    """A campaign finished: nobody is left to be written to."""

    event: Literal["campaign_finished"]


class CampaignPaused(CampaignEvent):
    """Somebody paused a campaign; who is left stays pending."""

    event: Literal["campaign_paused"]


class CampaignCancelled(CampaignEvent):
    """Somebody cancelled a campaign; who is left will never be written to."""

    event: Literal["campaign_cancelled"]


class CampaignTitle(Exact):
    """Which campaign it was; `id` is the one of the API's paths."""

    id: int
    title: str


class RecipientFacts(Exact):
    """How far a campaign got with one contact."""

    contact_id: int
    state: Literal[
        "pending", "sending", "sent", "delivered", "read", "failed", "skipped", "unknown",
        "cancelled",
    ]  # fmt: skip
    reason: str | None
    error: str | None
    provider_message_id: str | None


class RecipientUpdated(Exact):
    """A message to one recipient was delivered, was read, failed, or was replied to."""

    account: AccountReference
    campaign: CampaignTitle
    inbox: InboxReference
    change: Literal["delivered", "read", "failed", "replied"]
    recipient: RecipientFacts
    occurred_at: IsoTime
    event: Literal["recipient_updated"]


class WebhookReference(Exact):
    """Which endpoint it is."""

    id: int
    name: str


class WebhookTest(Exact):
    """Somebody wanted to see whether an endpoint is reached; it means nothing else."""

    account: AccountReference
    webhook: WebhookReference
    occurred_at: IsoTime
    event: Literal["webhook_test"]


PAYLOADS: dict[str, type[Exact]] = {
    events.CONVERSATION_CREATED: ConversationCreated,
    events.MESSAGE_CREATED: MessageCreated,
    events.MESSAGE_UPDATED: MessageUpdated,
    events.CONTACT_CREATED: ContactCreated,
    events.CONTACT_UPDATED: ContactUpdated,
    events.CAMPAIGN_STARTED: CampaignStarted,
    events.CAMPAIGN_FINISHED: CampaignFinished,
    events.CAMPAIGN_PAUSED: CampaignPaused,
    events.CAMPAIGN_CANCELLED: CampaignCancelled,
    events.RECIPIENT_UPDATED: RecipientUpdated,
    events.WEBHOOK_TEST: WebhookTest,
}
"""The model of every type of event."""

AnyEvent = Annotated[
    ConversationCreated
    | MessageCreated
    | MessageUpdated
    | ContactCreated
    | ContactUpdated
    | CampaignStarted
    | CampaignFinished
    | CampaignPaused
    | CampaignCancelled
    | RecipientUpdated
    | WebhookTest,
    Field(discriminator="event"),
]


class BatchEntry(Exact):
    """An event in a batch; `id` is the same in whatever company it is sent: drop what you have
    seen."""

    id: str
    event: AnyEvent


class Batch(Exact):
    """Several events in one request, to a webhook whose `batch_size` is above 1; its `webhook-id`
    is the request's own. It is taken as a whole or not at all."""

    type: Literal["batch"]
    events: Annotated[list[BatchEntry], Field(min_length=1, max_length=LARGEST_BATCH)]
