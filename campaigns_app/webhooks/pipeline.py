"""What one worker has in hand: requests under way, and those that wait for their turn.

Endpoints take turns, and none can hold up another:

- each has a limit of requests under way, which begins low, grows with every answer that comes in
  time, and is halved whenever the endpoint is overloaded;
- the slow ones, whose last answer was long in coming or did not come, get at most half of all
  requests under way between them;
- one that is still overloaded at a limit of one rests: what waits for it is given back. So does
  one that has refused many requests in a row, at first for a second, then for longer and longer.

Deliveries of one conversation to one endpoint go one after another, in their order.
"""

import asyncio
import time
from contextlib import suppress

from campaigns_app.http_client import HttpClient
from campaigns_app.webhooks.claiming import FEW, Room
from campaigns_app.webhooks.health import REST_SECONDS
from campaigns_app.webhooks.line import Line, Turn
from campaigns_app.webhooks.sending import (
    Attempt,
    Claimed,
    Destination,
    Outcome,
    Request,
    attempt,
    sign_bundle,
)

SLOW_MS = 1000
FIRST_LIMIT = 4
"""So many requests may be under way to an endpoint from the first."""

IN_HAND = 3_000
"""So many deliveries are in hand for one endpoint, or so many batches as it takes at once."""

ALL_IN_HAND = 12_000
FIRST_BLOCK = 400
"""The first are few, so that sending begins at once; while they are sent, twice as many are
fetched, and so on."""

LARGEST_SETTLEMENT = 6_000


class Pipeline:
    """Sends what it is given over `http`: up to `concurrency` requests at once, `share` of them
    to one endpoint."""

    def __init__(self, http: HttpClient, concurrency: int, share: int) -> None:
        self._http = http
        self._concurrency = concurrency
        self._share = min(share, concurrency)
        self._lines: dict[int, Line] = {}
        self._senders: set[asyncio.Task[None]] = set()
        self._outcome = Outcome()
        self._in_hand = 0
        self._finished = 0
        self._enough = 1
        self._next_block = FIRST_BLOCK
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
        most = max(ALL_IN_HAND - self._in_hand, 0)
        total = min(self._next_block, most)
        return Room(total=total, usual=IN_HAND, most=most, left=left, after=self._after)

    def take(self, claimed: Claimed) -> None:
        """Send these as their turns come."""
        for delivery in claimed.deliveries:
            self._line_to(delivery.destination).add(delivery)
            self._after = delivery.destination.endpoint_id
        for bundle in claimed.bundles:
            self._line_to(bundle.destination).add_bundle(bundle)
            self._after = bundle.destination.endpoint_id
        self._in_hand += claimed.event_count
        self._enough = self._worth_collecting()
        self._next_block = min(2 * self._next_block, ALL_IN_HAND)
        self._fill()

    async def wait(self, seconds: float) -> None:
        """Until a good part of what is in hand is finished, at most so long."""
        self._news.clear()
        if self._finished < self._enough:
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
        self._enough = self._worth_collecting()
        return outcome

    def stop(self) -> None:
        """Begin no other request: what waits is given back."""
        for line in self._lines.values():
            line.is_closed = True
            self._give_back(line)

    def _line_to(self, to: Destination) -> Line:
        line = self._lines.get(to.endpoint_id)
        if line is None:
            limit = 1 if to.is_failing else min(FIRST_LIMIT, self._share)
            line = Line(to, limit, is_slow=to.is_failing)
            self._lines[to.endpoint_id] = line
        line.destination = to
        return line

    def _left(self, line: Line) -> int:
        if not line.is_open():
            return 0
        batch = line.destination.batch_size
        under_way = 2 * line.limit * batch
        usual = FEW if line.destination.is_failing else IN_HAND
        enough = under_way if line.is_slow else max(usual, under_way)
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

    async def _send(self, turn: Turn | None) -> None:
        """Send one turn after another, until there is none that may be begun."""
        while turn is not None:
            line, requests = turn.line, turn.requests
            if turn.bundle is not None:
                requests = [await sign_bundle(turn.bundle)]
            while requests:
                for request in requests:
                    if line.is_open_for(request):
                        self._note(line, await attempt(self._http, request))
                    else:
                        self._put_off(request)
                    line.in_hand -= request.event_count
                    self._finish(request.event_count)
                requests = line.requests_of(turn.chains)
            line.end_turn(turn)
            turn = self._next_turn()

    def _next_turn(self) -> Turn | None:
        """What is sent next: to the endpoint whose turn it is, which goes to the end."""
        for endpoint_id, line in self._lines.items():
            if line.may_begin() and not (line.is_slow and self._has_enough_slow()):
                if len(self._lines) > 1:
                    self._lines[endpoint_id] = self._lines.pop(endpoint_id)
                return line.begin_turn()
        return None

    def _has_enough_slow(self) -> bool:
        under_way = sum(line.under_way for line in self._lines.values() if line.is_slow)
        return under_way >= max(self._concurrency // 2, 1)

    def _note(self, line: Line, made: Attempt) -> None:
        self._outcome.attempts.append(made)
        line.is_slow = made.is_overloaded or made.duration_ms > SLOW_MS
        if made.is_gone:
            line.is_closed = True
            self._give_back(line)
        elif made.is_overloaded:
            line.limit //= 2
            if not line.limit:
                self._rest(line, REST_SECONDS)
        elif made.is_delivered:
            line.note_success()
            if line.limit < self._share and not line.is_slow:
                line.limit += 1
                self._fill()
        elif seconds := line.note_refusal():
            self._rest(line, min(seconds, REST_SECONDS))

    def _rest(self, line: Line, seconds: int) -> None:
        line.limit = 1
        line.rests_until = time.monotonic() + seconds
        self._outcome.resting[line.destination.endpoint_id] = seconds
        self._give_back(line)

    def _give_back(self, line: Line) -> None:
        """What has not begun; what is on its way is left to its sender."""
        left = line.give_back()
        self._outcome.unsent += left.deliveries
        self._outcome.unsent_bundles += left.bundles
        self._finish(left.event_count)

    def _put_off(self, request: Request) -> None:
        self._outcome.unsent.extend(request.deliveries)
        if request.bundle is not None:
            self._outcome.unsent_bundles.append(request.bundle)

    def _worth_collecting(self) -> int:
        return min(max(self._in_hand // 2, 1), LARGEST_SETTLEMENT)

    def _finish(self, count: int) -> None:
        self._finished += count
        if self._finished >= self._enough:
            self._news.set()
