"""Some of the contacts to whom a campaign would write."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select

from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.ledger import CONTACT_COLUMNS
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact
from campaigns_app.extensions import db

DRAWN_FROM = 2**31 - 1
GOLDEN_SECTION = 1_327_217_884


def first_recipients(
    matched: ColumnElement[bool], channel: Channel, most: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The first by id of the contacts who match and are left out for no reason."""
    return db.session.execute(_among(recipients(matched, channel)).limit(most)).all()


def some_recipients(
    matched: ColumnElement[bool], channel: Channel, most: int, total: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """`most` of the `total` contacts who match and are left out for no reason, from all over them
    and the same ones every time; all of them where they are no more.

    They are drawn by their ids before it is asked who is left out, which for all of a large
    audience takes seconds. So who shares an address is told only from the others that were drawn.
    """
    if total <= most:
        return db.session.execute(_among(recipients(matched, channel))).all()
    # Of twice as many: some will be left out.
    drawn = matched & (_draw(Contact.id.expression) * total < 2 * most * DRAWN_FROM)
    ids = recipients(drawn, channel).subquery()
    first = select(ids.c.id).order_by(_draw(ids.c.id)).limit(most)
    return db.session.execute(_among(first)).all()


def recipients(matched: ColumnElement[bool], channel: Channel) -> Select[int]:
    """The ids of the contacts who match and are left out for no reason."""
    screened = screened_contacts(matched, channel).subquery()
    return select(screened.c.id).where(screened.c.reason.is_(None))


def _draw(id: ColumnElement[int]) -> ColumnElement[int]:
    """A number below `DRAWN_FROM` for each id, such that any run of ids is spread evenly over all
    numbers: multiples of the golden section (Knuth, The Art of Computer Programming, §6.4)."""
    return id % DRAWN_FROM * GOLDEN_SECTION % DRAWN_FROM


def _among(ids: Select[int]) -> Select[*tuple[Any, ...]]:
    chosen = ids.subquery()
    return select(*CONTACT_COLUMNS).join(chosen, chosen.c.id == Contact.id).order_by(Contact.id)
