"""The books of a batch that goes out through a provider: who is begun with, and what came of it.

A recipient is marked `sending`, and that is committed, before the provider is called; what came
of the call is committed after. Each turn is one transaction that does both: it writes down what
has ended, and begins with as many more. Nothing here calls a provider, and nothing waits for one.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.orm import Session

from campaigns_app.campaigns import leases, sending_ledger
from campaigns_app.campaigns.calls import Called, Prepared
from campaigns_app.campaigns.leases import Lease
from campaigns_app.campaigns.provider_stock import Stock
from campaigns_app.campaigns.refusals import (
    MOST_IN_A_ROW,
    RefusalsInARow,
    is_of_all,
    stop_what_is_refused,
)
from campaigns_app.campaigns.results import Result
from campaigns_app.campaigns.sending_ledger import News, RecipientRow, Written
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.channels.provider import Account, ProviderChannel, Retry, Suppress
from campaigns_app.contacts.suppressing import suppress_addresses
from campaigns_app.database.shared_session import SharedSession
from campaigns_app.logs import lines_together
from campaigns_app.pauses import passing
from campaigns_app.rate_budget import BudgetUnreachable, RateBudget

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """The way out: the channel, the account with its provider, what may leave in a second, and how
    many calls may be under way in this worker."""

    channel: ProviderChannel
    account: Account
    inbox_id: int
    rate: float
    most_calls: int


class Turn(NamedTuple):
    """Who is to be called now, whether others wait for it, and after how many seconds it is worth
    asking again, where the rate is what keeps them."""

    begun: Sequence[Prepared]
    has_more: bool
    wait: float | None


class ProviderBooks:
    """One worker's books of one batch. `prepare` writes the message of a recipient, or says why
    there is none; `must_end` says when to begin with nobody any more."""

    def __init__(
        self,
        sessions: SharedSession,
        route: Route,
        lease: Lease,
        lease_seconds: int,
        budget: RateBudget,
        prepare: Callable[[RecipientRow], Prepared | Result],
        must_end: Callable[[], bool],
    ) -> None:
        self._sessions = sessions
        self._route = route
        self._lease = lease
        self._lease_seconds = lease_seconds
        self._budget = budget
        self._must_end = must_end
        self._stock = Stock(prepare, route.most_calls)
        self._made: list[Called] = []
        self._holds: list[float] = []
        self._written_at = time.monotonic()
        self._debt = 0
        self._refusals = RefusalsInARow()
        self._is_proven = False
        self._goes_on = True
        self._ahead: asyncio.Future[None] | None = None

    async def take_turn(self, made: Sequence[Called], room: int) -> Turn:
        """Write down what came of the calls `made`, and begin with as many recipients whose time
        has come as there is room and the rate allows.

        Raises `StaleLease` when another worker has taken over, and `BudgetUnreachable` when nobody
        can say how much may leave: then nobody is begun with, and the next turn writes down what
        was made. Commits.
        """
        for called in made:
            self._take_note(called)
        if self._must_end():
            self.begin_with_nobody_more()
        self._pass_holds_on()
        begun, wait = await self._sessions.do(self._begin_and_write, self._bounded(room))
        if self._ahead is not None:
            await self._ahead
        return Turn(begun, bool(self._stock), wait)

    def _bounded(self, room: int) -> int:
        """Until one call has not been refused for what concerns all, only as many are made as would
        stop everything: not fifty, with credentials that are wrong."""
        if self._is_proven:
            return room
        under_way = self._route.most_calls - room
        return min(room, max(MOST_IN_A_ROW - under_way, 0))

    def begin_with_nobody_more(self) -> None:
        """From now on, only write down what comes of the calls under way."""
        self._goes_on = False
        self._stock.clear()

    async def write_rest(self, made: Sequence[Called], under_way: Collection[int]) -> None:
        """Write down what came of the calls `made`, and of those before, after a turn of which
        nobody knows whether it was written. Whoever was begun with and not called is pending again,
        but for the contacts whose call is `under_way`. Raises `StaleLease`. Commits."""
        for called in made:
            self._take_note(called)
        await self._sessions.do(self._write_rest, under_way)

    def _write_rest(self, session: Session, under_way: Collection[int]) -> None:
        leases.hold(session, self._lease)
        results = {one.result.contact_id: one.result for one in self._made}
        rest = [
            results.get(contact_id, Result(contact_id, RecipientState.PENDING))
            for contact_id in sending_ledger.who_is_sending(session, self._lease)
            if contact_id not in under_way
        ]
        self._write_news(session, News(rest))

    def is_lease_over(self) -> bool:
        """Whether another worker may have taken over."""
        return time.monotonic() - self._written_at > self._lease_seconds

    async def give_back(self) -> bool:
        """End the lease, with everything written down; returns whether the batch is finished.

        It is not when somebody is to be tried later, the campaign was paused or cancelled, the
        inbox halted, or this process asked to end. Commits.
        """
        with suppress(BudgetUnreachable):
            self._pass_holds_on()
            if self._debt > 0:
                self._budget.owe(self._budget_name, self._route.rate, self._debt)
        return await self._sessions.do(self._give_back)

    def _give_back(self, session: Session) -> bool:
        with_rest = sending_ledger.next_due(session, self._lease)
        session.rollback()
        finished = with_rest is None
        resume_at = with_rest if self._goes_on else None
        leases.give_back(session, self._lease, finished=finished, resume_at=resume_at)
        return finished

    @property
    def _budget_name(self) -> str:
        return f"inbox:{self._route.inbox_id}"

    def _pass_holds_on(self) -> None:
        """Tell all workers how long the provider asked to wait."""
        while self._holds:
            self._budget.hold(self._budget_name, self._holds[-1])
            self._holds.pop()

    def _take_note(self, called: Called) -> None:
        self._made.append(called)
        if isinstance(called.outcome, Retry) and called.outcome.slows_down:
            self._holds.append(called.outcome.after)
        self._refusals.note(called.outcome)
        self._is_proven = self._is_proven or not is_of_all(called.outcome)
        if self._refusals.reason_to_stop is not None:
            self.begin_with_nobody_more()

    def _is_lease_old(self) -> bool:
        return time.monotonic() - self._written_at > self._lease_seconds / 4

    def _begin_and_write(
        self, session: Session, room: int
    ) -> tuple[Sequence[Prepared], float | None]:
        self._read_first(session)
        self._stock.prepare_some(room)
        refused = self._stock.take_refused()
        allowed, wait = self._choose(room)
        has_news = allowed or self._made or refused
        begun = self._write(session, allowed, refused) if has_news or self._is_lease_old() else []
        return begun, wait

    def _read_first(self, session: Session) -> None:
        """Read who is next, where nobody is known: the others are read while there is news."""
        self._stock.drop_stale()
        wish = self._stock.wish() if self._goes_on else None
        if wish is not None:
            self._stock.note_read(wish, sending_ledger.due_recipients(session, self._lease, wish))
            # No lock is held while messages are written.
            session.rollback()

    def _choose(self, room: int) -> tuple[list[Prepared], float | None]:
        """Those of the ready whom the rate allows, and when to ask for more if not all."""
        wanted = self._stock.ready(room)
        if not wanted:
            return [], None
        asked = self._debt + sum(one.units for one in wanted)
        grant = self._budget.take(self._budget_name, self._route.rate, asked)
        allowed = self._affordable(wanted, grant.units)
        self._stock.take(len(allowed))
        return allowed, grant.wait if len(allowed) < len(wanted) else None

    def _affordable(self, wanted: Sequence[Prepared], units: int) -> list[Prepared]:
        """Those who may be written to with so many units. A message may take more than is left;
        what it owes is paid before the next."""
        self._debt -= units
        allowed = []
        for one in wanted:
            if self._debt >= 0:
                break
            self._debt += one.units
            allowed.append(one)
        self._debt = max(self._debt, 0)
        return allowed

    def _write(
        self, session: Session, allowed: Sequence[Prepared], refused: Sequence[Result]
    ) -> Sequence[Prepared]:
        """Write it all down in one transaction, and renew the lease; returns those who were begun
        with."""
        wish = self._stock.wish_for_more(allowed) if self._goes_on else None
        news = News(
            results=[one.result for one in self._made],
            refusals=refused,
            contact_ids=[one.contact_id for one in allowed],
            next_ones=wish,
        )
        # While the server works, the next messages are written.
        self._ahead = asyncio.ensure_future(self._stock.prepare_ahead())
        written = self._write_news(session, news)
        if wish is not None:
            self._stock.note_read(wish, written.next_ones)
        return [one for one in allowed if one.contact_id in written.begun]

    def _write_news(self, session: Session, news: News) -> Written:
        lease, channel = self._lease, self._route.channel
        written = sending_ledger.write_down(session, lease, self._lease_seconds, channel, news)
        if not written.goes_on:
            self.begin_with_nobody_more()
        self._heed_refusals(session)
        passing("before_commit")
        session.commit()
        passing("after_commit")
        self._written_at = time.monotonic()
        made, self._made = self._made, []
        with lines_together():
            _log(channel, lease.campaign_id, made)
        return written

    def _heed_refusals(self, session: Session) -> None:
        """Have whoever opted out left alone, and what is refused altogether stopped."""
        addresses = [
            (self._route.channel.suppressible(one.prepared.message.to), one.outcome.code or "")
            for one in self._made
            if isinstance(one.outcome, Suppress)
        ]
        suppress_addresses(session, self._lease.account_id, addresses, source="provider")
        reason = self._refusals.reason_to_stop
        if reason is not None:
            lease = self._lease
            stop_what_is_refused(session, lease.inbox_id, lease.campaign_id, reason)


def _log(channel: ProviderChannel, campaign_id: int, made: Sequence[Called]) -> None:
    for called in made:
        result = called.result
        if result.provider_message_id is not None:
            logger.info(
                "[%s] Sent message %s to contact %s in campaign %s",
                *(channel.log_prefix, result.provider_message_id),
                *(result.contact_id, campaign_id),
            )
        else:
            logger.warning(
                "[%s] Message to contact %s in campaign %s: %s (%s: %s)",
                *(channel.log_prefix, result.contact_id, campaign_id),
                *(result.state.value, result.code, result.error),
            )
