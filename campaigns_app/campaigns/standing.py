"""How far a message has got, and what a receipt adds to that. Pure: no database.

Receipts come late, twice, in any order. So a state only moves forward, `sent < failed < delivered
< read`, and what is told of one message leads to the same end in whatever order it is told: a
message that was delivered did not fail, whoever said so before or after.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.provider import EventKind, ProviderEvent

_RANKS: Mapping[str, int] = {
    RecipientState.PENDING: 0,
    RecipientState.UNKNOWN: 0,
    RecipientState.SENT: 1,
    RecipientState.FAILED: 2,
    RecipientState.DELIVERED: 3,
    RecipientState.READ: 4,
}
"""States that a receipt can change, or be the end of."""

_STATES: Mapping[EventKind, RecipientState] = {
    EventKind.SENT: RecipientState.SENT,
    EventKind.FAILED: RecipientState.FAILED,
    EventKind.DELIVERED: RecipientState.DELIVERED,
    EventKind.READ: RecipientState.READ,
}

RECEIPTS = frozenset(_STATES)
"""What a provider tells of a message; the other events are about a person."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a campaign got with one recipient; names as in `campaign_recipients`."""

    state: str
    attempts: int = 1
    reason: str | None = None
    error: str | None = None
    provider_code: str | None = None
    provider_message_id: str | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    replied_at: datetime | None = None


def must_wait(standing: Standing) -> bool:
    """Whether a receipt has come before whoever sends wrote down what came of the call."""
    return standing.state == RecipientState.SENDING


def advance(standing: Standing, event: ProviderEvent) -> Standing:
    """What is known after `event`, which must have a time; the same standing where it adds
    nothing."""
    if event.kind is EventKind.REPLIED:
        return replace(standing, replied_at=_earlier(standing.replied_at, event.at))
    if event.kind not in RECEIPTS or not _was_sent(standing, event.kind):
        return standing
    standing = _with_facts(standing, event)
    state = _STATES[event.kind]
    if _RANKS[state] <= _RANKS[standing.state]:
        return standing
    if state is RecipientState.FAILED:
        return replace(
            standing,
            state=state.value,
            reason=Reason.REFUSED.value,
            error=event.text or None,
            provider_code=event.code,
        )
    return replace(standing, state=state.value, reason=None, error=None, provider_code=None)


def get_further(one: str, other: str) -> str:
    """Of two states that a message was told to be in, the one that holds."""
    return max(one, other, key=lambda state: _RANKS[RecipientState(state)])


def _with_facts(standing: Standing, event: ProviderEvent) -> Standing:
    """When the first of each kind came, and the provider's id: true whatever came later."""
    facts: dict[str, Any] = {}
    if event.kind is not EventKind.FAILED:
        facts["sent_at"] = _earlier(standing.sent_at, event.at)
    if event.kind is EventKind.DELIVERED:
        facts["delivered_at"] = _earlier(standing.delivered_at, event.at)
    if event.kind is EventKind.READ:
        facts["read_at"] = _earlier(standing.read_at, event.at)
    if standing.provider_message_id is None:
        facts["provider_message_id"] = event.provider_message_id
    return replace(standing, **facts)


def _was_sent(standing: Standing, kind: EventKind) -> bool:
    """Whether a receipt can be about this recipient. One who waits for another try was sent to all
    the same when the provider says so; that an earlier try failed is nothing new."""
    if standing.state == RecipientState.PENDING:
        return standing.attempts > 0 and kind is not EventKind.FAILED
    return standing.state in _RANKS


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)
