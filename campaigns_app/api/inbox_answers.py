"""What the API answers about inboxes, as models of which its description is made."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from campaigns_app.webhooks.objects import Exact, UnixSeconds


class InboxObject(BaseModel):
    """An inbox, with the settings of its channel that are not secret, by their names, and keys of
    what Chatwoot's inboxes can do and these cannot."""

    model_config = ConfigDict(extra="allow")

    id: int
    channel_id: int
    name: str
    channel_type: str
    inbox_type: str
    timezone: str
    additional_attributes: dict[str, Any]


class OwnInboxObject(InboxObject):
    """An inbox of the account. What follows `enabled` is there where a provider sends: what may
    leave in a second, where the provider is to tell what became of messages, which secrets are
    set, why nothing can leave as it is set up (also where its secrets cannot be read: then
    `secrets_set` is empty), and since when and why nothing leaves until somebody has seen to
    it."""

    enabled: bool
    rate: float | None = None
    usual_rate: float | None = None
    callback_webhook_url: str | None = None
    secrets_set: list[str] = Field(default_factory=list)
    faults: list[str] = Field(default_factory=list)
    halted_at: UnixSeconds | None = None
    halt_reason: str | None = None


class InboxesAnswer(Exact):
    """All inboxes of the account, by name."""

    payload: list[OwnInboxObject]


class ConnectionAnswer(Exact):
    """Whether an inbox's account works with its provider; where it neither works nor is refused,
    the provider gave no answer that says so. `message` is for people."""

    works: bool
    refused: bool
    message: str
