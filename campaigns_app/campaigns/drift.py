"""Drift: how a scheduled campaign's audience has changed since somebody last looked.

The first look of a person is remembered when they open the page. Afterwards the page compares with
it, every time, until the person says that they have seen the change: then that is the look to
compare with. So a change is not lost by glancing at the page twice, and two administrators do not
take each other's news away. From the start on the audience does not change any more.

A look is a set of contact ids, because numbers would hide that five came and five went. It is kept
as a Roaring bitmap: of a million contacts a quarter of a megabyte at most where ids are dense.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pyroaring import BitMap64
from sqlalchemy import String, cast, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.models import AudienceLook, Campaign
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.channels.base import Channel
from campaigns_app.database.transactions import reading

IDS_IN_A_ROW = 10_000
"""How wide a range of ids comes from the database as one row: to fetch a million rows of one number
takes most of the time that a look needs."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How many more and how many fewer would be written to than at `since`."""

    since: datetime
    more: int
    fewer: int


def pack_ids(contact_ids: Iterable[int]) -> bytes:
    """A set of ids as it is stored."""
    ids = BitMap64(contact_ids)
    ids.run_optimize()
    return ids.serialize()


def may_drift(campaign: Campaign) -> bool:
    """Whether the campaign's audience is still open."""
    return not campaign.is_completed and not campaign.is_over


def measure_drift(
    session: Session, campaign: Campaign, channel: Channel, user_id: int
) -> Drift | None:
    """What has changed since the person's last look; None where there was none, and once the
    campaign has started or is over. Two queries."""
    look = None if not may_drift(campaign) else _find_look(session, campaign.id, user_id)
    if look is None:
        return None
    then = BitMap64.deserialize(look.contact_ids)
    now = _would_be_sent_to(session, campaign, channel)
    return Drift(look.looked_at, now.difference_cardinality(then), then.difference_cardinality(now))


def remember_look(
    session: Session, campaign: Campaign, channel: Channel, user_id: int, now: datetime
) -> None:
    """Make the audience as it is now the one that the person has seen.

    Does nothing once the campaign has started or is over. Ends the present transaction, so that
    nobody waits for a lock while a large audience is read. Commits.
    """
    session.rollback()
    with reading(session):
        if not may_drift(campaign):
            return
        campaign_id = campaign.id
        contact_ids = pack_ids(_would_be_sent_to(session, campaign, channel))
    look = _find_look(session, campaign_id, user_id)
    if look is None:
        look = AudienceLook(campaign_id=campaign_id, user_id=user_id)
        session.add(look)
    look.looked_at = now
    look.contact_ids = contact_ids
    try:
        session.commit()
    except IntegrityError:
        # The same person has looked in another window at the same moment, or the campaign went.
        session.rollback()


def _find_look(session: Session, campaign_id: int, user_id: int) -> AudienceLook | None:
    return session.scalar(
        select(AudienceLook).where(
            AudienceLook.campaign_id == campaign_id, AudienceLook.user_id == user_id
        )
    )


def _would_be_sent_to(session: Session, campaign: Campaign, channel: Channel) -> BitMap64:
    screened = screened_contacts(matched_contacts(Selection.of(campaign)), channel).subquery()
    rows = session.scalars(
        select(func.aggregate_strings(cast(screened.c.id, String), ","))
        .where(screened.c.reason.is_(None))
        .group_by(screened.c.id // IDS_IN_A_ROW)
    )
    contact_ids = BitMap64()
    for row in rows:
        contact_ids.update(map(int, row.split(",")))
    return contact_ids
