"""What workers of the queue `providers` are rung for: sending through providers.

One job works for many inboxes at once, each in a lane of its own, so that one whose provider is
slow, or allows little, does not keep the others waiting.
"""

import asyncio
import logging
import time

from flask import current_app
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from campaigns_app.campaigns import leases, ledger
from campaigns_app.campaigns.delivery import surroundings_of
from campaigns_app.campaigns.interrupted import settle_predecessors
from campaigns_app.campaigns.leases import Lease
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.provider_books import ProviderBooks, Route
from campaigns_app.campaigns.provider_messages import MessageWriter
from campaigns_app.campaigns.provider_run import ProviderRun
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.shared_session import SharedSession
from campaigns_app.errors import InboxUnusable, StaleLease
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient
from campaigns_app.inboxes.halting import halt_inbox
from campaigns_app.inboxes.provider_account import account_of, provider_policy
from campaigns_app.job_queue import PROVIDERS, enqueue, lease_owner, must_end
from campaigns_app.rate_budget import BudgetUnreachable, get_rate_budget

logger = logging.getLogger(__name__)

MOST_LANES = 32
"""So many inboxes are sent from at once in one worker."""

LOOK_SECONDS = 0.5
SHIFT_SECONDS = 60
"""After so many seconds a job gives back what it has not begun, rings for its successor and ends,
well before RQ would end it."""


def deliver_provider_batches() -> None:
    """Send what is to be sent through providers, until nothing is left or the shift is over."""
    if asyncio.run(_Shift(db.session()).work()):
        enqueue(PROVIDERS, deliver_provider_batches)


def provider_types() -> list[str]:
    """The types of inboxes whose messages go through a provider."""
    return [one.name for one in get_channels() if isinstance(one, ProviderChannel)]


class _Shift:
    def __init__(self, session: Session) -> None:
        self._sessions = SharedSession(session)
        self._ends = time.monotonic() + SHIFT_SECONDS
        self._lanes: dict[asyncio.Task[None], int] = {}
        self._types = provider_types()

    async def work(self) -> bool:
        """Returns whether there may be more to do."""
        policy = provider_policy(MOST_LANES * current_app.config["PROVIDER_CONCURRENCY"])
        async with HttpClient(policy) as http:
            while True:
                await self._open_lanes(http)
                if not self._lanes:
                    return self._is_over()
                await self._wait()

    async def _open_lanes(self, http: HttpClient) -> None:
        """Take one batch for each inbox that has one and that this worker is not busy with."""
        while len(self._lanes) < MOST_LANES and not self._is_over():
            lease = await self._sessions.do(
                leases.take_batch,
                lease_owner(),
                current_app.config["LEASE_SECONDS"],
                inbox_types=self._types,
                besides=list(self._lanes.values()),
                numbered=False,
            )
            if lease is None:
                return
            lane = asyncio.ensure_future(self._work_on(lease, http))
            self._lanes[lane] = lease.inbox_id

    async def _wait(self) -> None:
        done, _ = await asyncio.wait(
            self._lanes, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        for lane in done:
            del self._lanes[lane]
            lane.result()

    async def _work_on(self, lease: Lease, http: HttpClient) -> None:
        """Raises nothing: whatever is wrong here, the other lanes' calls are under way."""
        try:
            await self._carry_out(lease, http)
        except (OperationalError, BudgetUnreachable) as error:
            # Whoever is in the middle of being sent to keeps the lease until it runs out.
            logger.error("Batch %s is left for later: %s", lease.batch_id, error)
            await asyncio.sleep(LOOK_SECONDS)
        except Exception:
            logger.exception("Batch %s is left for later", lease.batch_id)
            await asyncio.sleep(LOOK_SECONDS)

    async def _carry_out(self, lease: Lease, http: HttpClient) -> None:
        try:
            route, books = await self._sessions.do(self._open_books, lease)
            if await ProviderRun(http, route, books).finish():
                await self._sessions.do(ledger.finish_campaign, lease.campaign_id)
        except StaleLease as error:
            logger.warning("Stopped: %s", error)
        except InboxUnusable as error:
            await self._sessions.do(_halt, lease, str(error))
            logger.error("Inbox %s is halted: %s", lease.inbox_id, error)

    def _open_books(self, session: Session, lease: Lease) -> tuple[Route, ProviderBooks]:
        """Raises `StaleLease`, and `InboxUnusable`. Commits."""
        config = current_app.config
        settle_predecessors(session, lease)
        campaign = session.get_one(Campaign, lease.campaign_id, populate_existing=True)
        channel = get_channels().get(campaign.inbox.inbox_type)
        if not isinstance(channel, ProviderChannel):
            raise TypeError(f"channel {channel.name!r} has no provider")
        route = Route(
            channel=channel,
            account=account_of(campaign.inbox),
            inbox_id=campaign.inbox_id,
            rate=campaign.inbox.rate or channel.usual_rate,
            most_calls=config["PROVIDER_CONCURRENCY"],
        )
        writer = MessageWriter(campaign, channel, surroundings_of(campaign))
        session.rollback()
        books = ProviderBooks(
            self._sessions,
            route,
            lease,
            config["LEASE_SECONDS"],
            get_rate_budget(),
            writer.prepare,
            self._is_over,
        )
        return route, books

    def _is_over(self) -> bool:
        return must_end() or time.monotonic() > self._ends


def _halt(session: Session, lease: Lease, reason: str) -> None:
    """Let nothing leave the inbox. Commits."""
    halt_inbox(session, lease.inbox_id, reason)
    leases.give_back(session, lease, finished=False)
