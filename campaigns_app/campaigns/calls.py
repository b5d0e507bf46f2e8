"""One call of a provider, and what it means for the recipient."""

import logging
from datetime import datetime, timedelta
from typing import NamedTuple

from campaigns_app.campaigns.results import Result
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    CampaignPause,
    Outcome,
    OutgoingMessage,
    Permanent,
    ProviderChannel,
    Receipt,
    Retry,
    Suppress,
)
from campaigns_app.http_client import HttpClient

logger = logging.getLogger(__name__)

MOST_TRIES = 5
"""A recipient whose provider says «not now» so often is failed."""

MOST_TRIES_TOO_FAST = 1000
"""The same where it is the inbox that is too fast: whoever waits behind it is not at fault."""

REFUSED_SECONDS = 30.0
"""So long waits whose refusal is the inbox's or the campaign's: a few more of them stop that."""


class Prepared(NamedTuple):
    """A message ready to be sent to a recipient. `attempts` were made before; `units` is what it
    takes of the inbox's rate. At `stale_at` it is to be prepared anew."""

    contact_id: int
    attempts: int
    units: int
    message: OutgoingMessage
    stale_at: datetime | None = None


class Called(NamedTuple):
    """A call that was made: what became of the recipient, and how it ended."""

    prepared: Prepared
    result: Result
    outcome: Outcome | None


async def call(
    channel: ProviderChannel, http: HttpClient, account: Account, prepared: Prepared, now: datetime
) -> Called:
    """Call the provider once. Raises nothing: whatever goes wrong says something of the message."""
    try:
        receipt = await channel.send(http, account, prepared.message)
    except Outcome as outcome:
        return Called(prepared, result_of(outcome, prepared, now), outcome)
    # A channel may be somebody else's. The provider may have been called, or not.
    except Exception:
        logger.exception("Channel %s failed; the message may have been sent", channel.name)
        return Called(prepared, _no_answer(prepared, "the channel failed", None), None)
    return Called(prepared, _sent(prepared, receipt), None)


def result_of(outcome: Outcome, prepared: Prepared, now: datetime) -> Result:
    """What the outcome of a call means for the recipient."""
    text = outcome.text
    if isinstance(outcome, Retry | AccountPause | CampaignPause):
        is_too_fast = isinstance(outcome, Retry) and outcome.slows_down
        if prepared.attempts + 1 >= (MOST_TRIES_TOO_FAST if is_too_fast else MOST_TRIES):
            return _failed(prepared, Reason.REFUSED, text, outcome.code)
        after = outcome.after if isinstance(outcome, Retry) else REFUSED_SECONDS
        return _later(prepared, text, outcome.code, now + timedelta(seconds=after))
    if isinstance(outcome, Suppress):
        return _failed(prepared, Reason.OPTED_OUT, text, outcome.code)
    if isinstance(outcome, Permanent):
        return _failed(prepared, Reason.REFUSED, text, outcome.code)
    return _no_answer(prepared, text, outcome.code)


def _sent(prepared: Prepared, receipt: Receipt) -> Result:
    return Result(
        prepared.contact_id,
        RecipientState.SENT,
        provider_message_id=receipt.provider_message_id,
    )


def _failed(prepared: Prepared, reason: Reason, text: str, code: str | None) -> Result:
    return Result(prepared.contact_id, RecipientState.FAILED, reason, text, code)


def _later(prepared: Prepared, text: str, code: str | None, at: datetime) -> Result:
    return Result(
        prepared.contact_id,
        RecipientState.PENDING,
        Reason.TRY_AGAIN,
        text,
        code,
        next_attempt_at=at,
    )


def _no_answer(prepared: Prepared, text: str, code: str | None) -> Result:
    return Result(prepared.contact_id, RecipientState.UNKNOWN, Reason.NO_ANSWER, text, code)
