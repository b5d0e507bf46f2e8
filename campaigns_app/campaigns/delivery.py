"""Carrying out a batch: chunk by chunk, each in a transaction of its own.

A chunk that the database refuses is halved until the recipient who spoils it stands alone; that one
is recorded as failed, and all others go through.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from campaigns_app.campaigns import leases, ledger
from campaigns_app.campaigns.leases import Lease
from campaigns_app.campaigns.ledger import Outcome
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.rendering import MessageTemplate, RenderingFailed, Surroundings
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.base import Addressee, ConversationChannel, Origin
from campaigns_app.channels.registry import ChannelRegistry
from campaigns_app.database.types import utcnow
from campaigns_app.errors import StaleLease
from campaigns_app.job_queue import must_end
from campaigns_app.logs import lines_together
from campaigns_app.pauses import passing
from campaigns_app.webhooks.outbox import find_subscribers

logger = logging.getLogger(__name__)

ERROR_LENGTH = 500

# What says nothing about any one recipient: the store is away, or the batch is lost.
_NOBODYS_FAULT = (StaleLease, OperationalError, InterfaceError)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a batch is worked on: recipients a transaction, seconds a lease lasts."""

    chunk_size: int
    lease_seconds: int


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Consecutive pending recipients, read in the transaction that will record them."""

    rows: Sequence[Any]
    addressees: Sequence[Addressee]
    others: Sequence[Outcome]

    @property
    def first(self) -> int:
        return int(self.rows[0].recipient_id)

    @property
    def last(self) -> int:
        return int(self.rows[-1].recipient_id)


class BatchRun:
    """One worker's work on one batch."""

    def __init__(
        self, session: Session, channels: ChannelRegistry, lease: Lease, pace: Pace
    ) -> None:
        campaign = session.get_one(Campaign, lease.campaign_id, populate_existing=True)
        channel = channels.get(campaign.inbox.inbox_type)
        if not isinstance(channel, ConversationChannel):
            raise TypeError(f"channel {channel.name!r} does not open conversations")
        self._session = session
        self._channel = channel
        self._lease = lease
        self._pace = pace
        self._used_numbers = 0
        self._template = MessageTemplate(campaign.message)
        self._origin = _origin(campaign)
        self._around = surroundings_of(campaign)
        session.rollback()

    def finish(self) -> bool:
        """Deliver to every pending recipient of the batch; returns whether it is finished.

        It is not when the campaign was paused or cancelled meanwhile, or this process asked to
        end; then others may take it at once. Raises `StaleLease` when another worker has taken
        over. Commits after each chunk.
        """
        while leases.hold(self._session, self._lease) and not must_end():
            rows = self._pending(self._lease.first_contact_id, self._lease.last_contact_id)
            if not rows:
                leases.give_back(self._session, self._lease, finished=True)
                return True
            self._deliver_or_halve(rows)
        self._session.rollback()
        leases.give_back(self._session, self._lease, finished=False)
        return False

    def _pending(self, first: int, last: int) -> Sequence[Any]:
        return ledger.pending_recipients(
            self._session, self._lease, first, last, self._pace.chunk_size
        )

    def _deliver_or_halve(self, rows: Sequence[Any]) -> None:
        """Deliver to `rows` in the present transaction, or in smaller ones if that is refused."""
        if self._refusal(rows) is None:
            return
        middle = len(rows) // 2
        if middle == 0:
            self._deliver_alone(rows[0])
            return
        for half in (rows[:middle], rows[middle:]):
            # A new transaction, with the contacts as they are by now.
            if leases.hold(self._session, self._lease):
                current = self._pending(half[0].recipient_id, half[-1].recipient_id)
                self._deliver_or_halve(current)

    def _deliver_alone(self, row: Any) -> None:
        """Give a recipient who was refused alone one more try, then record the failure.

        The first refusal may be the work of another campaign that wrote the same contact's rows.
        """
        leases.hold(self._session, self._lease)
        refusal = self._refusal([row])
        if refusal is not None:
            leases.hold(self._session, self._lease)
            failed = Outcome(
                row.recipient_id, RecipientState.FAILED, Reason.DELIVERY_FAILED, _brief(refusal)
            )
            self._record(_Chunk([row], [], [failed]))

    def _refusal(self, rows: Sequence[Any]) -> Exception | None:
        """Deliver to `rows` and commit; if that is refused, roll back and return why."""
        try:
            self._deliver(rows)
        except _NOBODYS_FAULT:
            self._session.rollback()
            raise
        # A channel is not ours to foresee: whatever it raises for one contact is that contact's.
        except Exception as error:
            self._session.rollback()
            return error
        return None

    def _deliver(self, rows: Sequence[Any]) -> None:
        if not rows:
            self._session.rollback()
            return
        origin = self._current_origin()
        chunk = self._prepare(rows)
        numbers = self._next_numbers(len(chunk.addressees))
        if chunk.addressees:
            self._channel.deliver(self._session, origin, chunk.addressees, numbers, utcnow())
        passing("after_insert")
        self._record(chunk)
        self._log_sent(chunk, numbers)

    def _prepare(self, rows: Sequence[Any]) -> _Chunk:
        """Write each one's message; those who cannot get one are told apart."""
        addressees: list[Addressee] = []
        others: list[Outcome] = []
        numbers = self._next_numbers(len(rows))
        columns = rows[0]._fields
        for row in rows:
            if row.id is None:
                others.append(_skipped(row.recipient_id, Reason.CONTACT_DELETED))
            elif row.blocked:
                others.append(_skipped(row.recipient_id, Reason.BLOCKED))
            else:
                contact = dict(zip(columns, row, strict=True))
                try:
                    text = self._template.render(contact, numbers[len(addressees)], self._around)
                except RenderingFailed as error:
                    others.append(
                        Outcome(
                            row.recipient_id,
                            RecipientState.FAILED,
                            Reason.RENDERING_FAILED,
                            _brief(error),
                        )
                    )
                else:
                    addressees.append(Addressee(row.recipient_id, text, contact))
        return _Chunk(rows, addressees, others)

    def _record(self, chunk: _Chunk) -> None:
        ledger.record(
            self._session,
            self._lease,
            self._pace.lease_seconds,
            first=chunk.first,
            last=chunk.last,
            sent=len(chunk.addressees),
            others=chunk.others,
        )
        passing("before_commit")
        self._session.commit()
        passing("after_commit")
        self._used_numbers += len(chunk.addressees)
        for outcome in chunk.others:
            if outcome.state is RecipientState.FAILED:
                logger.error(
                    "[%s] Failed to create conversation for contact %s: %s",
                    self._channel.log_prefix,
                    outcome.contact_id,
                    outcome.error,
                    extra={"campaign_id": self._lease.campaign_id},
                )

    def _log_sent(self, chunk: _Chunk, numbers: Sequence[int]) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        with lines_together():
            for addressee, number in zip(chunk.addressees, numbers, strict=True):
                logger.info(
                    "[%s] Created conversation %s for contact %s in campaign %s",
                    self._channel.log_prefix,
                    number,
                    addressee.contact_id,
                    self._lease.campaign_id,
                )

    def _next_numbers(self, count: int) -> range:
        """The next reserved display ids; used up only when the chunk they are for is committed."""
        return self._lease.numbers[self._used_numbers : self._used_numbers + count]

    def _current_origin(self) -> Origin:
        """The origin, with the endpoints that are subscribed at this moment."""
        subscribers = find_subscribers(
            self._session, self._lease.account_id, self._origin.inbox["id"]
        )
        return replace(self._origin, subscribers=subscribers)


def surroundings_of(campaign: Campaign) -> Surroundings:
    """What all messages of the campaign have in common."""
    origin = _origin(campaign)
    return Surroundings(origin.account, origin.inbox, origin.sender)


def _origin(campaign: Campaign) -> Origin:
    sender = campaign.sender
    return Origin(
        account={"id": campaign.account.id, "name": campaign.account.name},
        inbox={"id": campaign.inbox.id, "name": campaign.inbox.name},
        sender=_plain_sender(sender.id, sender.name, sender.email) if sender else None,
        campaign_id=campaign.id,
        subscribers={},
    )


def _plain_sender(user_id: int, name: str, email: str) -> Mapping[str, Any]:
    return {"id": user_id, "name": name, "email": email}


def _skipped(contact_id: int, reason: Reason) -> Outcome:
    return Outcome(contact_id, RecipientState.SKIPPED, reason)


def _brief(error: Exception) -> str:
    """The error in a line, without the statement and the values that SQLAlchemy adds."""
    told = error.orig if isinstance(error, DBAPIError) else error
    return f"{type(error).__name__}: {told}".splitlines()[0][:ERROR_LENGTH]
