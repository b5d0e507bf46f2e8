"""Carrying out a batch through a provider, with many calls in flight at once.

A recipient is marked `sending`, and that is committed, before the provider is called; what came
of the call is committed after. In between no transaction is open. Whoever is still `sending` when
the worker is gone becomes `unknown` (see `interrupted`), and is never sent to again by itself.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from campaigns_app.campaigns import leases, sending_ledger
from campaigns_app.campaigns.calls import Called, Prepared, call
from campaigns_app.campaigns.leases import Lease
from campaigns_app.campaigns.sending_ledger import Result
from campaigns_app.channels.provider import Account, AccountPause, ProviderChannel, Retry, Suppress
from campaigns_app.contacts.suppressing import suppress_addresses
from campaigns_app.database.types import utcnow
from campaigns_app.http_client import HttpClient
from campaigns_app.inboxes.halting import halt_inbox
from campaigns_app.logs import lines_together
from campaigns_app.pauses import passing
from campaigns_app.rate_budget import BudgetUnreachable, RateBudget

logger = logging.getLogger(__name__)

READ_AT_ONCE = 200
RECORD_AT_ONCE = 100
RECORD_SECONDS = 0.2
"""Results are written down together: so many, or what has come in so many seconds."""

TOGETHER_SECONDS = 0.005
"""Where calls wait for others to end, as many begin together as end in so many seconds: each
beginning is a commit."""

MOST_ACCOUNT_REFUSALS = 3
"""After so many calls in a row that say so, nothing leaves the inbox until somebody acts."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way out: the channel, the account with its provider, what may leave in a second, and how
    many calls may be under way in this worker."""

    channel: ProviderChannel
    account: Account
    inbox_id: int
    rate: float
    most_calls: int


class ProviderRun:
    """One worker's work on one batch. `prepare` writes the message of a row of
    `sending_ledger.due_recipients`, or says why there is none; `must_end` says when to begin with
    nobody any more."""

    def __init__(
        self,
        session: Session,
        http: HttpClient,
        route: Route,
        lease: Lease,
        lease_seconds: int,
        budget: RateBudget,
        prepare: Callable[[Any], Prepared | Result],
        must_end: Callable[[], bool],
    ) -> None:
        self._session = session
        self._http = http
        self._route = route
        self._lease = lease
        self._lease_seconds = lease_seconds
        self._budget = budget
        self._prepare = prepare
        self._must_end = must_end
        self._ready: deque[Prepared] = deque()
        self._calls: dict[asyncio.Task[Called], int] = {}
        self._made: list[Called] = []
        self._recorded_at = time.monotonic()
        self._debt = 0
        self._account_refusals: list[str] = []
        self._goes_on = True

    async def finish(self) -> bool:
        """Send to every recipient of the batch whose time has come; returns whether it is finished.

        It is not when somebody is to be tried later, the campaign was paused or cancelled, the
        inbox halted, or this process asked to end. Raises `StaleLease` when another worker has
        taken over, and `BudgetUnreachable` when nobody can say how much may leave; what came of
        the calls under way is written down first. Commits many times.
        """
        try:
            await self._send()
        except BudgetUnreachable:
            self._begin_with_nobody_more()
            await self._end_calls()
            self._record()
            raise
        self._record()
        return self._give_back()

    async def _send(self) -> None:
        while True:
            self._refill()
            wait = self._begin_calls()
            if not self._calls and not self._ready:
                return
            await self._wait(wait)
            self._record_if_it_is_time()

    async def _end_calls(self) -> None:
        while self._calls:
            with suppress(BudgetUnreachable):
                await self._wait(RECORD_SECONDS)
            self._record_if_it_is_time()

    def _refill(self) -> None:
        """Write the next messages, before those that are ready run out."""
        now = utcnow()
        self._ready = deque(one for one in self._ready if not one.stale_at or one.stale_at > now)
        if len(self._ready) >= self._route.most_calls or not self._goes_on:
            return
        if not self._hold():
            return
        besides = [*(one.contact_id for one in self._ready), *self._calls.values()]
        besides += [called.prepared.contact_id for called in self._made]
        rows = sending_ledger.due_recipients(self._session, self._lease, READ_AT_ONCE, besides)
        written = [self._prepare(row) for row in rows]
        refused = [one for one in written if isinstance(one, Result)]
        sending_ledger.record_refusals(self._session, self._lease, self._lease_seconds, refused)
        self._session.commit()
        self._ready.extend(one for one in written if isinstance(one, Prepared))

    def _hold(self) -> bool:
        """Lock the batch for a transaction in which more is begun; ends it where nothing may be."""
        if leases.hold(self._session, self._lease) and not self._must_end():
            return True
        self._begin_with_nobody_more()
        self._session.rollback()
        return False

    def _begin_with_nobody_more(self) -> None:
        self._goes_on = False
        self._ready.clear()

    def _begin_calls(self) -> float:
        """Begin as many calls as may be under way and the rate allows; returns after how many
        seconds it is worth trying again."""
        room = self._route.most_calls - len(self._calls)
        wanted = list(self._ready)[:room]
        if not wanted:
            return RECORD_SECONDS
        asked = self._debt + sum(one.units for one in wanted)
        grant = self._budget.take(f"inbox:{self._route.inbox_id}", self._route.rate, asked)
        allowed = self._affordable(wanted, grant.units)
        for _ in allowed:
            self._ready.popleft()
        self._begin(allowed)
        return grant.wait

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

    def _begin(self, messages: Sequence[Prepared]) -> None:
        if not messages:
            return
        if not self._hold():
            return
        begun = sending_ledger.begin_sending(
            self._session,
            self._lease,
            self._lease_seconds,
            self._route.channel,
            [one.contact_id for one in messages],
        )
        passing("before_commit")
        self._session.commit()
        passing("after_commit")
        route, now = self._route, utcnow()
        for one in messages:
            if one.contact_id in begun:
                work = call(route.channel, self._http, route.account, one, now)
                self._calls[asyncio.ensure_future(work)] = one.contact_id

    async def _wait(self, seconds: float) -> None:
        """Until a call has ended, or so many seconds have passed."""
        if not self._calls:
            await asyncio.sleep(seconds)
            return
        has_room = len(self._calls) < self._route.most_calls
        timeout = min(seconds, RECORD_SECONDS) if self._ready and has_room else RECORD_SECONDS
        await asyncio.wait(self._calls, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if self._ready and not has_room:
            await asyncio.sleep(TOGETHER_SECONDS)
        for task in [task for task in self._calls if task.done()]:
            del self._calls[task]
            self._take_note(task.result())

    def _take_note(self, called: Called) -> None:
        self._made.append(called)
        if isinstance(called.outcome, Retry) and called.outcome.slows_down:
            self._budget.hold(f"inbox:{self._route.inbox_id}", called.outcome.after)
        if isinstance(called.outcome, AccountPause):
            self._account_refusals.append(str(called.outcome))
        else:
            self._account_refusals.clear()

    def _record_if_it_is_time(self) -> None:
        passed = time.monotonic() - self._recorded_at
        is_refused = len(self._account_refusals) >= MOST_ACCOUNT_REFUSALS
        if passed < RECORD_SECONDS and len(self._made) < RECORD_AT_ONCE and not is_refused:
            return
        if self._made or passed > self._lease_seconds / 4:
            self._record()

    def _record(self) -> None:
        """Write down what came of the calls, and renew the lease."""
        leases.hold(self._session, self._lease)
        made, self._made = self._made, []
        sending_ledger.record_results(
            self._session, self._lease, self._lease_seconds, [one.result for one in made]
        )
        addresses = [
            (self._route.channel.suppressible(one.prepared.message.to), one.outcome.code or "")
            for one in made
            if isinstance(one.outcome, Suppress)
        ]
        suppress_addresses(self._session, self._lease.account_id, addresses, source="provider")
        if len(self._account_refusals) >= MOST_ACCOUNT_REFUSALS:
            halt_inbox(self._session, self._route.inbox_id, self._account_refusals[-1])
            self._begin_with_nobody_more()
        passing("before_commit")
        self._session.commit()
        self._recorded_at = time.monotonic()
        with lines_together():
            _log(self._route.channel, self._lease.campaign_id, made)

    def _give_back(self) -> bool:
        with_rest = sending_ledger.next_due(self._session, self._lease)
        self._session.rollback()
        finished = with_rest is None
        resume_at = with_rest if self._goes_on else None
        leases.give_back(self._session, self._lease, finished=finished, resume_at=resume_at)
        return finished


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
