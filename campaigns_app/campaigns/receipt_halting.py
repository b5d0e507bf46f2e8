"""Halting an inbox whose messages are taken, and refused afterwards for what concerns them all.

A carrier that takes an inbox for a sender of spam says so in callbacks; whoever goes on sending
makes it worse. So what halts an inbox as the answer to a call halts it as a callback, too, after
as many in a row.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.provider_books import MOST_ACCOUNT_REFUSALS
from campaigns_app.campaigns.receipt_matching import Told
from campaigns_app.channels.provider import AccountPause, EventKind, ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.inboxes.callbacks import event_of
from campaigns_app.inboxes.halting import halt_inbox
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.models import ProviderEvent as KeptEvent

ENDS = (EventKind.DELIVERED, EventKind.READ, EventKind.FAILED)
"""How a message can end; that it was sent on says nothing of the account."""

LOOKED_BACK = 10_000
"""Of so many events before, of all inboxes, the last of the inbox are taken."""


def halt_refused_inboxes(session: Session, told: Sequence[Told]) -> None:
    """Halt each inbox of which the last messages told of, since somebody last changed or resumed
    it, were all refused on account of the inbox. `told` are events that were just marked as
    processed. Two queries, and one for each inbox with failures. Does not commit."""
    failed = {one.inbox_id for one in told if one.event.kind is EventKind.FAILED}
    if not failed:
        return
    inboxes = select(Inbox).where(Inbox.id.in_(failed), Inbox.halted_at.is_(None))
    newest = max(one.id for one in told)
    for inbox in session.scalars(inboxes.order_by(Inbox.id)).all():
        refusals = list(_refusals(session.scalars(_last_ends(inbox, newest)).all(), inbox))
        if len(refusals) >= MOST_ACCOUNT_REFUSALS:
            halt_inbox(session, inbox.id, refusals[0])


def _last_ends(inbox: Inbox, newest: int) -> Select[KeptEvent]:
    return (
        select(KeptEvent)
        .where(
            KeptEvent.id.between(newest - LOOKED_BACK, newest),
            # Not by the index on the inbox: that would read all its events of many days.
            KeptEvent.inbox_id + 0 == inbox.id,
            KeptEvent.kind.in_([kind.value for kind in ENDS]),
            KeptEvent.recipient_id.is_not(None),
            KeptEvent.received_at > inbox.updated_at,
        )
        .order_by(KeptEvent.id.desc())
        .limit(MOST_ACCOUNT_REFUSALS)
    )


def _refusals(ends: Sequence[KeptEvent], inbox: Inbox) -> Iterator[str]:
    """Why messages were refused on account of the inbox, the last first."""
    channel = get_channels().get(inbox.inbox_type)
    if not isinstance(channel, ProviderChannel):
        return
    for event in map(event_of, ends):
        verdict = channel.verdicts.get(event.code or "")
        if event.kind is EventKind.FAILED and verdict is not None and verdict.kind is AccountPause:
            yield f"{verdict.meaning} ({event.code})"
