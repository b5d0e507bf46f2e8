"""Who is next in a batch that goes out through a provider: read before they are needed, with their
messages written."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from campaigns_app.campaigns.calls import Prepared
from campaigns_app.campaigns.results import Result
from campaigns_app.campaigns.sending_ledger import RecipientRow, Wish
from campaigns_app.database.types import utcnow

READ_AT_ONCE = 200
FRESH_SECONDS = 2
"""Whoever was read longer ago is read again: numbers change, and where little may leave in a second
the last of those who were read would wait for minutes."""


class Stock:
    """The recipients who were read and not begun with yet. `prepare` writes the message of one, or
    says why there is none; `most_calls` may be under way at once."""

    def __init__(
        self, prepare: Callable[[RecipientRow], Prepared | Result], most_calls: int
    ) -> None:
        self._prepare = prepare
        self._most_calls = most_calls
        self._read: deque[RecipientRow] = deque()
        self._read_at = 0.0
        self._are_all_read = False
        self._ready: deque[Prepared] = deque()
        self._refused: list[Result] = []

    def __bool__(self) -> bool:
        return bool(self._read or self._ready or self._refused)

    def clear(self) -> None:
        """Forget everybody."""
        self._read.clear()
        self._ready.clear()
        self._refused.clear()

    def drop_stale(self) -> None:
        """Forget those whose message would be another by now, or may be."""
        now = utcnow()
        self._ready = deque(one for one in self._ready if not one.stale_at or one.stale_at > now)
        if time.monotonic() - self._read_at > FRESH_SECONDS:
            self._read.clear()
            self._ready.clear()

    def wish(self) -> Wish | None:
        """Whom to read where nobody is known."""
        if self._read or self._ready:
            return None
        return self._wish([one.contact_id for one in self._refused])

    def wish_for_more(self, allowed: Sequence[Prepared]) -> Wish | None:
        """Whom to read before those who are known run out, without them and the `allowed`."""
        if self._are_all_read or len(self._read) + len(self._ready) >= self._most_calls:
            return None
        known = [one.recipient_id for one in self._read]
        known += [one.contact_id for one in (*self._ready, *allowed)]
        return self._wish(known + [one.contact_id for one in self._refused])

    def note_read(self, wish: Wish, rows: Sequence[RecipientRow]) -> None:
        """That these were read for the wish."""
        if not self._read and not self._ready:
            self._read_at = time.monotonic()
        self._read.extend(rows)
        self._are_all_read = len(rows) < wish.most

    def prepare_some(self, count: int) -> None:
        """Write messages until so many are ready."""
        while self._read and len(self._ready) < count:
            written = self._prepare(self._read.popleft())
            if isinstance(written, Prepared):
                self._ready.append(written)
            else:
                self._refused.append(written)

    async def prepare_ahead(self) -> None:
        """Write the messages of as many as may be under way."""
        self.prepare_some(self._most_calls)

    def ready(self, most: int) -> list[Prepared]:
        """The first of those whose message is written."""
        return list(self._ready)[:most]

    def take(self, count: int) -> None:
        """Hand out so many of them."""
        for _ in range(count):
            self._ready.popleft()

    def take_refused(self) -> list[Result]:
        """Hand out why there is no message for those who have none."""
        refused, self._refused = self._refused, []
        return refused

    def _wish(self, besides: Sequence[int]) -> Wish:
        return Wish(max(READ_AT_ONCE, self._most_calls), besides)
