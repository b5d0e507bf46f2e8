"""What one worker has in hand: requests under way, and those that wait for their turn.

Endpoints take turns, and none can hold up another:

- each has a limit of requests under way, which begins low, grows with every answer that comes in
  time, and is halved whenever the endpoint is overloaded;
- the slow ones, whose last answer was long in coming or did not come, get at most half of all
  requests under way between them;
- one that is still overloaded at a limit of one rests: what waits for it is given back.

Deliveries of one conversation to one endpoint go one after another, in their order.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from campaigns_app.http_client import HttpClient
from campaigns_app.webhooks.batching import cut
from campaigns_app.webhooks.claiming import Room
from campaigns_app.webhooks.health import REST_SECONDS
from campaigns_app.webhooks.sending import (
    Attempt,
    ClaimedDelivery,
    Destination,
    Outcome,
    attempt,
)

SENDING_SECONDS = 5
"""No request begins later than this after its claim: the rest is given back."""

SLOW_MS = 1000
FIRST_LIMIT = 4
IN_HAND = 2_000
"""So many deliveries are in hand for one endpoint, or so many batches as it takes at once."""

ALL_IN_HAND = 4_000
LARGEST_SETTLEMENT = 2_000


class Chain(deque[ClaimedDelivery]):
    """Deliveries of which each goes after the one before: a conversation's, or one of its own."""

    conversation_id: int | None = None


@dataclass(slots=True)
class _Line:
    """What is in hand for one endpoint: chains of which each must go in its order."""

    destination: Destination
    limit: int
    is_slow: bool
    chains: deque[Chain] = field(default_factory=deque)
    by_conversation: dict[int, Chain] = field(default_factory=dict)
    in_hand: int = 0
    under_way: int = 0
    rests_until: float = 0.0
    is_closed: bool = False

    def add(self, delivery: ClaimedDelivery) -> None:
        """Put it at the end of its conversation, which may be on its way already."""
        self.in_hand += 1
        key = delivery.conversation_id
        chain = self.by_conversation.get(key) if key is not None else None
        if chain is None:
            chain = Chain()
            chain.conversation_id = key
            self.chains.append(chain)
            if key is not None:
                self.by_conversation[key] = chain
        chain.append(delivery)

    def is_open(self) -> bool:
        """Whether a request to it may begin now."""
        return not self.is_closed and self.rests_until <= time.monotonic()

    def begin_turn(self) -> list[Chain]:
        """Take as many chains as fill a request."""
        self.under_way += 1
        taken = [self.chains.popleft()]
        count = len(taken[0])
        while self.chains and count + len(self.chains[0]) <= self.destination.batch_size:
            taken.append(self.chains.popleft())
            count += len(taken[-1])
        return taken

    def end_turn(self, chains: list[Chain]) -> None:
        """The chains have come to their ends."""
        self.under_way -= 1
        self.forget(chains)

    def forget(self, chains: Iterable[Chain]) -> None:
        """What comes for these conversations begins a chain of its own."""
        for chain in chains:
            if chain.conversation_id is not None:
                del self.by_conversation[chain.conversation_id]


class Pipeline:
    """Sends what it is given over `http`: up to `concurrency` requests at once, `share` of them
    to one endpoint."""

    def __init__(self, http: HttpClient, concurrency: int, share: int) -> None:
        self._http = http
        self._concurrency = concurrency
        self._share = min(share, concurrency)
        self._lines: dict[int, _Line] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._outcome = Outcome()
        self._in_hand = 0
        self._finished = 0
        self._after = 0
        self._news = asyncio.Event()
        self._fault: BaseException | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the outcome of everything that was taken has been collected."""
        return self._in_hand == 0

    def room(self) -> Room:
        """How much more may be claimed."""
        left = {key: self._left(line) for key, line in self._lines.items()}
        total = max(ALL_IN_HAND - self._in_hand, 0)
        return Room(total=total, usual=IN_HAND, left=left, after=self._after)

    def take(self, block: Iterable[ClaimedDelivery]) -> None:
        """Send these as their turns come."""
        for delivery in block:
            self._line_to(delivery.destination).add(delivery)
            self._after = delivery.destination.endpoint_id
            self._in_hand += 1
        self._fill()

    async def wait(self, seconds: float) -> None:
        """Until a good part of what is in hand is finished, at most so long."""
        self._news.clear()
        if not self._is_worth_collecting():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        if self._fault is not None:
            raise self._fault

    def collect(self) -> Outcome:
        """What was finished since the last time."""
        outcome, self._outcome = self._outcome, Outcome()
        self._in_hand -= self._finished
        self._finished = 0
        return outcome

    def stop(self) -> None:
        """Begin no other request: what waits is given back."""
        for line in self._lines.values():
            line.is_closed = True
            self._give_back(line)

    def _line_to(self, to: Destination) -> _Line:
        line = self._lines.get(to.endpoint_id)
        if line is None:
            limit = 1 if to.is_failing else min(FIRST_LIMIT, self._share)
            line = _Line(to, limit, is_slow=to.is_failing)
            self._lines[to.endpoint_id] = line
        line.destination = to
        return line

    def _left(self, line: _Line) -> int:
        if not line.is_open():
            return 0
        batch = line.destination.batch_size
        under_way = 2 * line.limit * batch
        enough = under_way if line.is_slow else max(IN_HAND, under_way)
        left = min(enough, ALL_IN_HAND) - line.in_hand
        # A batch is worth waiting for; and two events at least, for a conversation has two.
        return left if left >= max(batch, 2) else 0

    def _fill(self) -> None:
        """Set senders to work, up to as many requests as may be under way."""
        while len(self._senders) < self._concurrency and (turn := self._next_turn()):
            sender = asyncio.create_task(self._send(turn))
            self._senders.add(sender)
            sender.add_done_callback(self._dismiss)

    def _dismiss(self, sender: asyncio.Task[None]) -> None:
        self._senders.discard(sender)
        if not sender.cancelled() and sender.exception() is not None:
            self._fault = sender.exception()
            self._news.set()

    async def _send(self, turn: "_Turn | None") -> None:
        """Send one turn after another, until there is none that may be begun."""
        while turn is not None:
            line, chains = turn
            while parcel := cut(chains, line.destination.batch_size):
                if line.is_open() and not _is_late(parcel[0]):
                    self._note(line, await attempt(self._http, parcel))
                else:
                    self._outcome.unsent.extend(parcel)
                self._finish(line, len(parcel))
            line.end_turn(chains)
            turn = self._next_turn()

    def _next_turn(self) -> "_Turn | None":
        """What is sent next: to the endpoint whose turn it is, which goes to the end."""
        for endpoint_id, line in self._lines.items():
            if line.chains and line.under_way < line.limit and not self._is_held_back(line):
                self._lines[endpoint_id] = self._lines.pop(endpoint_id)
                return line, line.begin_turn()
        return None

    def _is_held_back(self, line: _Line) -> bool:
        if not line.is_slow:
            return False
        slow = sum(other.under_way for other in self._lines.values() if other.is_slow)
        return slow >= max(self._concurrency // 2, 1)

    def _note(self, line: _Line, made: Attempt) -> None:
        self._outcome.attempts.append(made)
        line.is_slow = made.is_overloaded or made.duration_ms > SLOW_MS
        if made.is_gone:
            line.is_closed = True
            self._give_back(line)
        elif made.is_overloaded:
            line.limit //= 2
            if not line.limit:
                self._rest(line)
        elif made.is_delivered and not line.is_slow and line.limit < self._share:
            line.limit += 1
            self._fill()

    def _rest(self, line: _Line) -> None:
        line.limit = 1
        line.rests_until = time.monotonic() + REST_SECONDS
        self._outcome.resting.add(line.destination.endpoint_id)
        self._give_back(line)

    def _give_back(self, line: _Line) -> None:
        """What has not begun; what is on its way is left to its sender."""
        for chain in line.chains:
            self._outcome.unsent.extend(chain)
            self._finish(line, len(chain))
        line.forget(line.chains)
        line.chains.clear()

    def _finish(self, line: _Line, count: int) -> None:
        line.in_hand -= count
        self._finished += count
        if self._is_worth_collecting():
            self._news.set()

    def _is_worth_collecting(self) -> bool:
        return self._finished >= min(max(self._in_hand // 2, 1), LARGEST_SETTLEMENT)


_Turn = tuple[_Line, list[Chain]]


def _is_late(delivery: ClaimedDelivery) -> bool:
    return time.monotonic() - delivery.claimed_at > SENDING_SECONDS
