"""How far a message has got, and what a receipt adds to that. Pure: no database.

Receipts come late, twice, in any order. So a state only moves forward, `sent < unknown < failed <
delivered < read`, and what is told of one message leads to the same end in whatever order it is
told: a message that was delivered did not fail, whoever said so before or after.
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
    RecipientState.FAILED: 3,
    RecipientState.DELIVERED: 4,
    RecipientState.READ: 5,
}
"""States that a receipt can change, or be the end of."""

_LOST = 2
"""The rank of what was taken, and is unknown since the provider said so; of other messages that are
unknown not even that they were taken is known."""

_STATES: Mapping[EventKind, RecipientState] = {
    EventKind.SENT: RecipientState.SENT,
    EventKind.FAILED: RecipientState.FAILED,
    EventKind.UNKNOWN: RecipientState.UNKNOWN,
    EventKind.DELIVERED: RecipientState.DELIVERED,
    EventKind.READ: RecipientState.READ,
}

_REASONS: Mapping[EventKind, Reason] = {
    EventKind.FAILED: Reason.REFUSED,
    EventKind.UNKNOWN: Reason.LEFT_TO_A_PERSON,
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
    if event.kind is EventKind.UNKNOWN and standing.reason == Reason.DECIDED_BY_A_PERSON:
        return standing
    before, standing = _rank(standing), _with_facts(standing, event)
    state = _STATES[event.kind]
    after = replace(standing, state=state.value, reason=None, error=None, provider_code=None)
    if _rank(after) <= before:
        return standing
    reason = _REASONS.get(event.kind)
    if reason is None:
        return after
    return replace(after, reason=reason.value, error=event.text or None, provider_code=event.code)


def get_further(one: str, other: str) -> str:
    """Of two states that a message was told to be in, the one that holds."""
    return max(one, other, key=lambda state: _RANKS[RecipientState(state)])


def _rank(standing: Standing) -> int:
    is_lost = standing.state == RecipientState.UNKNOWN and standing.sent_at is not None
    return _LOST if is_lost else _RANKS[standing.state]


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
