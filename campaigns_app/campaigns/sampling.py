"""Some of the contacts to whom a campaign would write."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.ledger import CONTACT_COLUMNS
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact
from campaigns_app.extensions import db


def first_recipients(
    matched: ColumnElement[bool], channel: Channel, most: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The first by id of the contacts who match and are left out for no reason."""
    screened = screened_contacts(matched, channel).subquery()
    return db.session.execute(
        select(*CONTACT_COLUMNS)
        .join(screened, screened.c.id == Contact.id)
        .where(screened.c.reason.is_(None))
        .order_by(Contact.id)
        .limit(most)
    ).all()
