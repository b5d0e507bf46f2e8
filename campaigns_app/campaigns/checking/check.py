"""Checking that the promises hold, in one snapshot of the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.checking.promise import Promise, Scope
from campaigns_app.campaigns.checking.promises import PROMISES
from campaigns_app.campaigns.models import Campaign
from campaigns_app.channels.base import ConversationChannel
from campaigns_app.channels.registry import ChannelRegistry
from campaigns_app.database.clock import database_now
from campaigns_app.database.transactions import snapshot
from campaigns_app.errors import NotFound

MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One thing that breaks a promise: its id, and the campaign as people know it."""

    account_id: int
    campaign_display_id: int
    id: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many things break a promise, and the first few of them."""

    promise: Promise
    broken: int
    examples: Sequence[Example]

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return self.broken == 0


def check_campaigns(
    session: Session,
    channels: ChannelRegistry,
    *,
    account_id: int | None = None,
    display_id: int | None = None,
) -> list[Verdict]:
    """A verdict on every promise, for the campaigns of the account and of that number if given.

    All are read in one snapshot, so that campaigns may be running meanwhile. Ends the present
    transaction first. Raises `NotFound` where there is no such campaign.
    """
    session.rollback()
    with snapshot(session):
        scope = replace(make_scope(session, channels), account_id=account_id, display_id=display_id)
        if display_id is not None:
            _require_campaign(session, scope)
        return [_judge(session, promise, scope) for promise in PROMISES]


def count_broken(session: Session, channels: ChannelRegistry) -> dict[str, int]:
    """How many things break each of the cheap promises, by their names; of all campaigns.

    Costs a look at the batches, not at the recipients. Begin a `snapshot` before.
    """
    scope = make_scope(session, channels)
    cheap = [promise for promise in PROMISES if promise.is_cheap]
    counts = [
        select(func.count()).select_from(promise.find_broken(scope).subquery()).scalar_subquery()
        for promise in cheap
    ]
    row = session.execute(select(*counts)).one()
    return {promise.name: count for promise, count in zip(cheap, row, strict=True)}


def make_scope(session: Session, channels: ChannelRegistry) -> Scope:
    """All campaigns, as of now by the database's clock."""
    conversing = [one.name for one in channels if isinstance(one, ConversationChannel)]
    at = session.scalars(select(database_now())).one()
    return Scope(at, tuple(conversing))


def _require_campaign(session: Session, scope: Scope) -> None:
    found = session.scalar(select(Campaign.id).where(scope.includes(Campaign.id)).limit(1))
    if found is None:
        raise NotFound(f"There is no campaign {scope.display_id}.")


def _judge(session: Session, promise: Promise, scope: Scope) -> Verdict:
    found = promise.find_broken(scope).subquery()
    rows = session.execute(
        # Counted while they are read: a second run of the query would cost as much as the first.
        select(Campaign.account_id, Campaign.display_id, found.c.id, func.count().over())
        .join(Campaign, Campaign.id == found.c.campaign_id)
        .order_by(found.c.campaign_id, found.c.id)
        .limit(MOST_EXAMPLES)
    ).all()
    examples = [Example(row.account_id, row.display_id, row.id) for row in rows]
    return Verdict(promise, rows[0][3] if rows else 0, examples)
