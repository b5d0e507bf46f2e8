"""Some of the contacts to whom a campaign would write."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select

from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.ledger import CONTACT_COLUMNS
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact
from campaigns_app.extensions import db


def first_recipients(
    matched: ColumnElement[bool], channel: Channel, most: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The first by id of the contacts who match and are left out for no reason."""
    return db.session.execute(_among(recipients(matched, channel)).limit(most)).all()


def some_recipients(
    matched: ColumnElement[bool], channel: Channel, most: int, total: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """`most` of the `total` contacts who match and are left out for no reason, at even distances
    in the order of their ids; all of them where they are no more."""
    ids = recipients(matched, channel)
    if total > most:
        every = ids.subquery()
        place = func.row_number().over(order_by=every.c.id).label("place")
        placed = select(every.c.id, place).subquery()
        step = -(-total // most)
        ids = select(placed.c.id).where(placed.c.place % step == 1)
    return db.session.execute(_among(ids).limit(most)).all()


def recipients(matched: ColumnElement[bool], channel: Channel) -> Select[int]:
    """The ids of the contacts who match and are left out for no reason."""
    screened = screened_contacts(matched, channel).subquery()
    return select(screened.c.id).where(screened.c.reason.is_(None))


def _among(ids: Select[int]) -> Select[*tuple[Any, ...]]:
    chosen = ids.subquery()
    return select(*CONTACT_COLUMNS).join(chosen, chosen.c.id == Contact.id).order_by(Contact.id)
