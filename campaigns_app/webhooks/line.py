"""What one worker has in hand for one endpoint, and the turns in which it is sent."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from campaigns_app.webhooks.batching import cut
from campaigns_app.webhooks.sending import (
    Claimed,
    ClaimedBundle,
    ClaimedDelivery,
    Destination,
    Request,
    sign_requests,
)

SENDING_SECONDS = 5
"""No request begins later than this after its claim: the rest is given back."""

SIGNED_AHEAD = 32
"""So many requests are signed one right after another: each takes half the time that it takes
among all else. The signature of one that waits for its turn is `SENDING_SECONDS` old at most."""

MOST_REFUSALS = 20
"""After so many failed requests in a row an endpoint is left alone for a while. Each takes as much
of a worker as one that is taken, and with many waiting there would be no end of them."""

Chain = deque[ClaimedDelivery]
"""Deliveries of which each goes after the one before: a conversation's, or one of its own."""


class Turn(NamedTuple):
    """What is sent without another's turn in between: requests, one after another, or a bundle."""

    line: "Line"
    chains: list[Chain]
    conversation_ids: list[int | None]
    requests: list[Request]
    bundle: ClaimedBundle | None = None


@dataclass(slots=True)
class Line:
    """What is in hand for one endpoint: bundles, and chains of which each must go in its order.
    `in_hand` counts events."""

    destination: Destination
    limit: int
    is_slow: bool
    chains: deque[Chain] = field(default_factory=deque)
    by_conversation: dict[int | None, Chain] = field(default_factory=dict)
    bundles: deque[ClaimedBundle] = field(default_factory=deque)
    ready: deque[Turn] = field(default_factory=deque)
    in_hand: int = 0
    under_way: int = 0
    rests_until: float = 0.0
    refusals: int = 0
    is_closed: bool = False

    def add(self, delivery: ClaimedDelivery) -> None:
        """Put it at the end of its conversation, which may be on its way already."""
        self.in_hand += 1
        conversation_id = delivery.conversation_id
        chain = self.by_conversation.get(conversation_id)
        if chain is None:
            chain = Chain()
            self.chains.append(chain)
            if conversation_id is not None:
                self.by_conversation[conversation_id] = chain
        chain.append(delivery)

    def add_bundle(self, bundle: ClaimedBundle) -> None:
        """Put it after the others."""
        self.in_hand += len(bundle.event_ids)
        self.bundles.append(bundle)

    def is_open(self) -> bool:
        """Whether a request to it may begin now."""
        return not self.is_closed and self.rests_until <= time.monotonic()

    def is_open_for(self, request: Request) -> bool:
        """Whether this one may begin now, and was not claimed too long ago."""
        now = time.monotonic()
        is_late = request.claimed_at < now - SENDING_SECONDS
        return not (self.is_closed or is_late or self.rests_until > now)

    def note_success(self) -> None:
        """It took something: all that it refused before is forgotten."""
        self.refusals = 0

    def note_refusal(self) -> int:
        """It refused something at once. Returns for how many seconds it is to rest now: none as a
        rule, twice as many each time that `MOST_REFUSALS` in a row have come together again."""
        self.refusals += 1
        rests, left = divmod(self.refusals, MOST_REFUSALS)
        return 0 if left else 2 ** (rests - 1)

    def may_begin(self) -> bool:
        """Whether there is a turn, and room for it."""
        return self.under_way < self.limit and bool(self.ready or self.chains or self.bundles)

    def begin_turn(self) -> Turn:
        """Take as many chains as fill a request, or a bundle if there is one."""
        self.under_way += 1
        if self.bundles:
            return Turn(self, [], [], [], self.bundles.popleft())
        if not self.ready:
            for _ in range(max(SIGNED_AHEAD // self.destination.batch_size, 1)):
                if self.chains:
                    self.ready.append(self._next_turn())
        return self.ready.popleft()

    def end_turn(self, turn: Turn) -> None:
        """Its chains have come to their ends."""
        self.under_way -= 1
        self._forget(turn)

    def requests_of(self, chains: list[Chain]) -> list[Request]:
        """What has come into the chains by now, signed. The chains are empty after that."""
        if not any(chains):
            return []
        if self.destination.batch_size == 1:
            parcels = [[one] for chain in chains for one in chain]
            for chain in chains:
                chain.clear()
            return sign_requests(parcels)
        # Some may have been claimed when the endpoint took fewer at once, or one.
        size = min(one.destination.batch_size for chain in chains for one in chain)
        return sign_requests(iter(lambda: cut(chains, size), []))

    def give_back(self) -> Claimed:
        """Everything that has not begun its turn; it is not in hand any more."""
        left = Claimed([one for chain in self.chains for one in chain], list(self.bundles))
        for chain in self.chains:
            self.by_conversation.pop(chain[0].conversation_id, None)
        for turn in self.ready:
            left.deliveries += [one for request in turn.requests for one in request.deliveries]
            left.deliveries += [one for chain in turn.chains for one in chain]
            self._forget(turn)
        self.chains.clear()
        self.ready.clear()
        self.bundles.clear()
        self.in_hand -= left.event_count
        return left

    def _next_turn(self) -> Turn:
        taken = [self.chains.popleft()]
        count = len(taken[0])
        while self.chains and count + len(self.chains[0]) <= self.destination.batch_size:
            taken.append(self.chains.popleft())
            count += len(taken[-1])
        conversation_ids = [chain[0].conversation_id for chain in taken]
        return Turn(self, taken, conversation_ids, self.requests_of(taken))

    def _forget(self, turn: Turn) -> None:
        """What comes for these conversations begins a chain of its own."""
        for conversation_id in turn.conversation_ids:
            self.by_conversation.pop(conversation_id, None)
