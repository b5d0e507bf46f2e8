"""The audience funnel: from those who match to those who are written to, a step for each reason.

Before a campaign starts it is counted from the contacts as they are now, by the very rows that
would become the ledger; afterwards it is read from the ledger, which does not change its mind.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.audience import (
    exclusion_reasons,
    screened_contacts,
)
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.channels.base import Channel


@dataclass(frozen=True, slots=True)
class Step:
    """How many are left out for one reason, and how many remain after it."""

    reason: str
    excluded: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many contacts match, and the steps that lead to those who will be, or were to be,
    written to. `is_frozen` says that the campaign has started and these are the ledger's."""

    matched: int
    steps: tuple[Step, ...]
    is_frozen: bool = False

    @property
    def will_send(self) -> int:
        """How many come through all steps."""
        return self.steps[-1].remaining if self.steps else self.matched

    @property
    def excluded(self) -> int:
        """How many are left out, for whatever reason."""
        return self.matched - self.will_send


def read_funnel(session: Session, campaign: Campaign, channel: Channel) -> Funnel:
    """The campaign's funnel: of the ledger once it has started, else as it would be now.

    One or two queries; of the ledger, only who was skipped is counted.
    """
    if not campaign.is_completed:
        return count_funnel(session, matched_contacts(Selection.of(campaign)), channel)
    total = session.scalar(
        select(func.coalesce(func.sum(CampaignBatch.total), 0)).where(
            CampaignBatch.campaign_id == campaign.id
        )
    )
    skipped = session.execute(
        select(CampaignRecipient.reason, func.count())
        .where(
            CampaignRecipient.campaign_id == campaign.id,
            CampaignRecipient.state == RecipientState.SKIPPED,
        )
        .group_by(CampaignRecipient.reason)
    )
    counts = {str(row[0]): int(row[1]) for row in skipped}
    return _funnel(int(total or 0), exclusion_reasons(channel), counts, is_frozen=True)


def count_funnel(session: Session, matched: ColumnElement[bool], channel: Channel) -> Funnel:
    """The funnel of the contacts for whom `matched` holds now. One query."""
    screened = screened_contacts(matched, channel).subquery()
    rows = session.execute(
        select(screened.c.reason, func.count()).select_from(screened).group_by(screened.c.reason)
    )
    counts = {row[0]: int(row[1]) for row in rows}
    total = sum(counts.values())
    left_out = {str(reason): count for reason, count in counts.items() if reason is not None}
    return _funnel(total, exclusion_reasons(channel), left_out)


def _funnel(
    matched: int, reasons: Iterable[str], counts: Mapping[str, int], *, is_frozen: bool = False
) -> Funnel:
    """Steps for all `reasons`, and for what else there are counts of: a contact may be deleted
    while the campaign is being sent."""
    steps = []
    remaining = matched
    for reason in dict.fromkeys([*reasons, *sorted(counts)]):
        excluded = counts.get(reason, 0)
        remaining -= excluded
        steps.append(Step(reason, excluded, remaining))
    return Funnel(matched, tuple(steps), is_frozen)
