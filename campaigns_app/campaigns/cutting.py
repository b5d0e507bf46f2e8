"""Cutting a frozen audience into batches of consecutive contact ids.

The ledger's unique index is walked from one batch's first contact to the next one's. Numbering all
recipients would take as long as writing them.
"""

from sqlalchemy import ColumnElement, Select, case, func, insert, literal, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.database.clock import database_now

COLUMNS = (
    *("campaign_id", "first_contact_id", "last_contact_id"),
    *("total", "pending", "skipped", "finished_at"),
)


def cut_batches(session: Session, campaign_id: int, recipients: int, size: int) -> list[int]:
    """Cut the campaign's `recipients`, all `pending` or `skipped`, into batches of `size`; returns
    the ids of those in which there is something to do. One in which everybody is skipped is born
    finished. Does not commit."""
    if recipients:
        batches = _batches(campaign_id, recipients, size)
        session.execute(insert(CampaignBatch).from_select(COLUMNS, batches, include_defaults=False))
    return list(
        session.scalars(
            select(CampaignBatch.id)
            .where(CampaignBatch.campaign_id == campaign_id, CampaignBatch.finished_at.is_(None))
            .order_by(CampaignBatch.id)
        )
    )


def _batches(campaign_id: int, recipients: int, size: int) -> Select[*tuple[object, ...]]:
    """The rows of `campaign_batches`, by their first contact."""
    ranges = _ranges(campaign_id, size).subquery()
    last = select(func.max(CampaignRecipient.contact_id)).where(_is_in(campaign_id))
    bounds = select(
        ranges.c.number,
        ranges.c.first,
        func.coalesce(ranges.c.end - 1, last.scalar_subquery()).label("last"),
        case((ranges.c.end.is_(None), recipients - ranges.c.number * size), else_=size).label(
            "total"
        ),
    ).subquery()
    # As a literal, for the database to know that its index of rare states will do.
    is_skipped = CampaignRecipient.state == literal(
        RecipientState.SKIPPED.value, literal_execute=True
    )
    is_inside = CampaignRecipient.contact_id.between(bounds.c.first, bounds.c.last)
    skipped = (
        select(func.count())
        .select_from(CampaignRecipient)
        .where(_is_in(campaign_id), is_skipped, is_inside)
        .scalar_subquery()
    )
    counted = select(bounds, skipped.label("skipped")).subquery()
    pending = counted.c.total - counted.c.skipped
    return select(
        literal(campaign_id),
        counted.c.first,
        counted.c.last,
        counted.c.total,
        pending,
        counted.c.skipped,
        case((pending == 0, database_now())),
    ).order_by(counted.c.number)


def _ranges(campaign_id: int, size: int) -> Select[int, int, int]:
    """A row (number, first contact, the next one's first contact or null) for each batch."""
    contact_id = CampaignRecipient.contact_id
    edges = (
        select(literal(0).label("number"), func.min(contact_id).label("first"))
        .where(_is_in(campaign_id))
        .cte("edges", recursive=True)
    )
    following = (
        select(contact_id)
        .where(_is_in(campaign_id), contact_id > edges.c.first)
        .order_by(contact_id)
        .limit(1)
        .offset(size - 1)
        .scalar_subquery()
    )
    edges = edges.union_all(select(edges.c.number + 1, following).where(edges.c.first.is_not(None)))
    end = func.lead(edges.c.first).over(order_by=edges.c.number)
    walked = select(edges.c.number, edges.c.first, end.label("end")).subquery()
    return select(walked.c.number, walked.c.first, walked.c.end).where(walked.c.first.is_not(None))


def _is_in(campaign_id: int) -> ColumnElement[bool]:
    return CampaignRecipient.campaign_id == campaign_id
