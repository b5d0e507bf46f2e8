"""Finding out what providers' callbacks mean, after they were kept.

An event is worked on by one worker at a time, in blocks; what it says of a recipient is written in
the transaction that marks it as processed. What comes before whoever sends has written down that
it was sent waits, ever longer, and in the end is taken for somebody else's.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from campaigns_app.campaigns.receipt_halting import stop_what_callbacks_refuse
from campaigns_app.campaigns.receipt_matching import Match, Told, match_recipients
from campaigns_app.campaigns.standing import RECEIPTS, Standing, advance, must_wait
from campaigns_app.campaigns.standings import LockedRecipient, lock_recipients, write_standings
from campaigns_app.campaigns.template_loss import pause_after_news
from campaigns_app.channels.provider import EventKind, ProviderChannel, ProviderEvent
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.addresses import normalise_phone_number
from campaigns_app.contacts.opt_out import Wish, read_wish
from campaigns_app.contacts.suppressing import (
    PROVIDER,
    REPLY,
    Consent,
    obey_consents,
    suppressible,
)
from campaigns_app.database.clock import database_now
from campaigns_app.inboxes.callbacks import event_of
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.models import ProviderEvent as KeptEvent
from campaigns_app.inboxes.template_news import note_template_news

logger = logging.getLogger(__name__)

BLOCK = 200
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=15)
GIVEN_UP_AFTER = timedelta(hours=6)
"""Whoever sends writes down what came of a call within seconds, or is found to have died."""


class Result(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    NOTHING_NEW = "nothing_new"
    """It was known already, or is older than what is known."""
    FOREIGN = "foreign"
    """It is about no message of a campaign of the inbox."""
    BROKEN = "broken"
    """It cannot be processed; the log says why."""


def process_block(session: Session) -> bool:
    """Work on the next events that are due; returns whether there may be more. Commits.

    Where one of them cannot be processed the others are, one by one, and it is marked.
    """
    try:
        return _process(session, _due()) == BLOCK
    except OperationalError:
        raise
    except Exception:
        session.rollback()
        logger.exception("A block of events cannot be processed; trying them one by one")
    ids = session.scalars(_due(KeptEvent.id)).all()
    session.rollback()
    for event_id in ids:
        _process_alone(session, event_id)
    return len(ids) == BLOCK


def _due(*columns: Any) -> Any:
    return (
        select(*columns or (KeptEvent,))
        .where(KeptEvent.processed_at.is_(None), KeptEvent.due_at <= database_now())
        .order_by(KeptEvent.due_at, KeptEvent.id)
        .limit(BLOCK)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _process_alone(session: Session, event_id: int) -> None:
    try:
        _process(session, _due().where(KeptEvent.id == event_id))
    except OperationalError:
        raise
    except Exception:
        session.rollback()
        logger.exception("Event %s cannot be processed", event_id)
        session.execute(
            update(KeptEvent)
            .where(KeptEvent.id == event_id)
            .values(processed_at=database_now(), result=Result.BROKEN.value)
            .execution_options(synchronize_session=False)
        )
        session.commit()


def _process(session: Session, due: Any) -> int:
    """Work on the events that `due` selects; returns how many there were. Commits."""
    kept: Sequence[KeptEvent] = session.scalars(due).all()
    told = list(_told(session, kept))
    matches = match_recipients(session, told)
    recipients = lock_recipients(session, {match.recipient_id for match in matches.values()})
    results = _apply(session, told, matches, recipients)
    news = [one for one in told if note_template_news(session, one.inbox_id, one.event)]
    results |= {one.id: Result.APPLIED for one in news}
    for account_id, consents in _consents(told, matches):
        obey_consents(session, account_id, consents)
    _mark(session, told, matches, results)
    stop_what_callbacks_refuse(session, told)
    pause_after_news(session, {one.inbox_id for one in news})
    session.commit()
    return len(told)


def _told(session: Session, kept: Sequence[KeptEvent]) -> Iterator[Told]:
    types = session.execute(
        select(Inbox.id, Inbox.inbox_type).where(Inbox.id.in_({one.inbox_id for one in kept}))
    )
    channels = get_channels()
    used = {inbox_id: channels.get(name) for inbox_id, name in types if name in channels}
    for one in kept:
        channel = used.get(one.inbox_id)
        yield Told(
            one.id,
            one.account_id,
            one.inbox_id,
            one.received_at,
            event_of(one),
            channel if isinstance(channel, ProviderChannel) else None,
        )


def _apply(
    session: Session,
    told: Sequence[Told],
    matches: Mapping[int, Match],
    recipients: Mapping[int, LockedRecipient],
) -> dict[int, Result]:
    """Write down what the events say of recipients; returns the results by the events' ids. Who
    has none is to wait."""
    after: dict[int, Standing] = {key: one.standing for key, one in recipients.items()}
    results = {}
    for one in told:
        match = matches.get(one.id)
        before = after.get(match.recipient_id) if match is not None else None
        if match is None or before is None:
            if _consents_of(one, match):
                results[one.id] = Result.APPLIED
            elif not _may_come(one):
                results[one.id] = Result.FOREIGN
            continue
        if one.event.kind in RECEIPTS and must_wait(before):
            continue
        after[match.recipient_id] = advance(before, one.event)
        is_news = after[match.recipient_id] != before or _consents_of(one, match)
        results[one.id] = Result.APPLIED if is_news else Result.NOTHING_NEW
    write_standings(session, recipients, after)
    return results


def _may_come(told: Told) -> bool:
    """Whether the message that nobody knows may become known: only the provider's id for it is
    written down after it was sent."""
    event = told.event
    is_named = event.delivery_id is not None
    return event.kind in RECEIPTS and event.provider_message_id is not None and not is_named


def _consents(
    told: Sequence[Told], matches: Mapping[int, Match]
) -> Iterable[tuple[int, list[Consent]]]:
    """What people wish, by account, in the order in which accounts are locked everywhere."""
    for account_id, events in groupby(
        sorted(told, key=lambda one: one.account_id), key=lambda one: one.account_id
    ):
        yield (
            account_id,
            [consent for one in events for consent in _consents_of(one, matches.get(one.id))],
        )


def _consents_of(told: Told, match: Match | None) -> list[Consent]:
    """What the person wishes, once for each address that may be theirs."""
    event = told.event
    is_out, source = _wish_of(event)
    if is_out is None:
        return []
    at = event.at or told.received_at
    return [
        Consent(address, is_out, at, source, event.text) for address in _addresses_of(told, match)
    ]


def _wish_of(event: ProviderEvent) -> tuple[bool | None, str]:
    if event.kind is EventKind.REPLIED:
        wish = read_wish(event.text)
        return (None if wish is None else wish is Wish.STOP), REPLY
    if event.kind in (EventKind.OPTED_OUT, EventKind.OPTED_IN):
        return event.kind is EventKind.OPTED_OUT, PROVIDER
    return None, ""


def _addresses_of(told: Told, match: Match | None) -> set[str]:
    """The person's addresses as suppressions name them: that of the event in all its spellings,
    and the contact's own number. A chat's id may look like a number, and is none."""
    if told.spellings and told.address_kind:
        return {suppressible(told.address_kind, address) for address in told.spellings}
    addresses = {_as_number(address) for address in told.spellings}
    if match is not None and match.phone_number:
        addresses.add(match.phone_number)
    return addresses


def _as_number(address: str) -> str:
    try:
        return normalise_phone_number(address)
    except ValueError:
        return address


def _mark(
    session: Session,
    told: Sequence[Told],
    matches: Mapping[int, Match],
    results: Mapping[int, Result],
) -> None:
    """Mark the events as processed, or say when they are to be looked at again."""
    if not told:
        return
    now = session.scalars(select(database_now())).one()
    table = cast(Table, KeptEvent.__table__)
    statement = (
        update(table)
        .where(table.c.id == bindparam("event_id"))
        .values(
            processed_at=bindparam("at"),
            result=bindparam("new_result"),
            due_at=bindparam("next_at"),
            recipient_id=bindparam("recipient"),
        )
    )
    rows = []
    for one in told:
        result = results.get(one.id)
        age = now - one.received_at
        if result is None and age >= GIVEN_UP_AFTER:
            result = Result.FOREIGN
        match = matches.get(one.id)
        rows.append(
            {
                "event_id": one.id,
                "at": now if result is not None else None,
                "new_result": result,
                "next_at": _next_look(now, age) if result is None else one.received_at,
                "recipient": match.recipient_id if match is not None else None,
            }
        )
    session.connection().execute(statement, rows)


def _next_look(now: datetime, age: timedelta) -> datetime:
    """The longer an event has waited, the longer it waits again."""
    return now + min(max(age, FIRST_WAIT), LONGEST_WAIT)
