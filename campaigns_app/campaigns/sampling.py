"""Those to whom a campaign would write, looked at one by one: all of them, or some."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select

from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact
from campaigns_app.extensions import db

FACTS = (
    Contact.id,
    Contact.name,
    Contact.email,
    Contact.phone_number,
    Contact.custom_attributes,
)
"""What a message can say of a contact, and what tells where it is."""
NAMES = tuple(fact.key for fact in FACTS)

MOST_HELD = 5000
"""So many are held in memory, all of them where they are no more."""
SAMPLE = 2000
"""So many of a larger audience."""
READ_AT_ONCE = 2000

DRAWN_FROM = 2**31 - 1
GOLDEN_SECTION = 1_327_217_884

Facts = Mapping[str, Any]


class Recipients:
    """The `total` contacts who match and are left out for no reason, in the order of their ids:
    each one's `FACTS` by name. Where they are more than `most`, `SAMPLE` of them.

    They may be gone through several times. Where they are not held in memory, each time reads them
    anew, a few at a time.
    """

    def __init__(
        self, matched: ColumnElement[bool], channel: Channel, total: int, most: int
    ) -> None:
        self._matched, self._channel = matched, channel
        self.total = total
        self.is_everybody = total <= most

    def __len__(self) -> int:
        return self.total if self.is_everybody else SAMPLE

    def __iter__(self) -> Iterator[Facts]:
        if self.is_everybody and self.total > MOST_HELD:
            return self._read()
        return iter(self.some)

    @cached_property
    def some(self) -> Sequence[Facts]:
        """Up to `MOST_HELD` of them, or a sample: from all over them, the same ones every time."""
        if self.total <= MOST_HELD:
            return list(self._read())
        return sample_of(self._matched, self._channel, SAMPLE, self.total)

    def _read(self) -> Iterator[Facts]:
        wanted = _facts_of(recipient_ids(self._matched, self._channel))
        with db.session.execute(wanted, execution_options={"yield_per": READ_AT_ONCE}) as rows:
            yield from map(_by_name, rows)


def first_recipients(matched: ColumnElement[bool], channel: Channel, most: int) -> Sequence[Facts]:
    """The first by id of the contacts who match and are left out for no reason."""
    first = _facts_of(recipient_ids(matched, channel)).limit(most)
    return [_by_name(row) for row in db.session.execute(first)]


def sample_of(
    matched: ColumnElement[bool], channel: Channel, most: int, total: int
) -> Sequence[Facts]:
    """`most` of the `total` contacts who match and are left out for no reason, from all over them
    and the same ones every time.

    They are drawn by their ids before it is asked who is left out, which for all of a large
    audience takes seconds. So who shares an address is told only from the others that were drawn.
    """
    # Of twice as many: some will be left out.
    drawn = matched & (_draw(Contact.id.expression) * total < 2 * most * DRAWN_FROM)
    ids = recipient_ids(drawn, channel).subquery()
    first = select(ids.c.id).order_by(_draw(ids.c.id)).limit(most)
    return [_by_name(row) for row in db.session.execute(_facts_of(first))]


def recipient_ids(matched: ColumnElement[bool], channel: Channel) -> Select[int]:
    """The ids of the contacts who match and are left out for no reason."""
    screened = screened_contacts(matched, channel).subquery()
    return select(screened.c.id).where(screened.c.reason.is_(None))


def _draw(id: ColumnElement[int]) -> ColumnElement[int]:
    """A number below `DRAWN_FROM` for each id, such that any run of ids is spread evenly over all
    numbers: multiples of the golden section (Knuth, The Art of Computer Programming, §6.4)."""
    return id % DRAWN_FROM * GOLDEN_SECTION % DRAWN_FROM


def _facts_of(ids: Select[int]) -> Select[*tuple[Any, ...]]:
    chosen = ids.subquery()
    return select(*FACTS).join(chosen, chosen.c.id == Contact.id).order_by(Contact.id)


def _by_name(row: Row[*tuple[Any, ...]]) -> Facts:
    return dict(zip(NAMES, row, strict=True))
