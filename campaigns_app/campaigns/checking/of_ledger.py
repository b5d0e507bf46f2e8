"""What must hold between recipients, batches and campaigns."""

from sqlalchemy import case, func, or_, select

from campaigns_app.campaigns.checking.promise import SETTLING, Broken, Scope, is_in_batch
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState


def counters_sum_to_total(scope: Scope) -> Broken:
    """Batches whose counters of states are not as many as their recipients."""
    counters = [getattr(CampaignBatch, state.value) for state in RecipientState]
    return select(CampaignBatch.campaign_id, CampaignBatch.id).where(
        scope.includes(CampaignBatch.campaign_id),
        CampaignBatch.total != sum(counters[1:], counters[0]),
    )


def counters_match_the_ledger(scope: Scope) -> Broken:
    """Batches with a counter that is not the number of their recipients in that state."""
    differs = [
        getattr(CampaignBatch, state.value)
        != func.coalesce(func.sum(case((CampaignRecipient.state == state.value, 1), else_=0)), 0)
        for state in RecipientState
    ]
    return (
        select(CampaignBatch.campaign_id, CampaignBatch.id)
        .outerjoin(CampaignRecipient, is_in_batch())
        .where(scope.includes(CampaignBatch.campaign_id))
        .group_by(CampaignBatch.id)
        .having(or_(CampaignBatch.total != func.count(CampaignRecipient.id), *differs))
    )


def every_recipient_is_in_one_batch(scope: Scope) -> Broken:
    """Campaigns with more or fewer recipients than their batches have room for.

    Where `counters_match_the_ledger` holds too, each recipient is in exactly one batch.
    """
    recipients = (
        select(CampaignRecipient.campaign_id, func.count().label("count"))
        .where(scope.includes(CampaignRecipient.campaign_id))
        .group_by(CampaignRecipient.campaign_id)
        .subquery()
    )
    batches = (
        select(CampaignBatch.campaign_id, func.sum(CampaignBatch.total).label("count"))
        .where(scope.includes(CampaignBatch.campaign_id))
        .group_by(CampaignBatch.campaign_id)
        .subquery()
    )
    return (
        select(Campaign.id.label("campaign_id"), Campaign.id)
        .outerjoin(recipients, recipients.c.campaign_id == Campaign.id)
        .outerjoin(batches, batches.c.campaign_id == Campaign.id)
        .where(
            scope.includes(Campaign.id),
            func.coalesce(recipients.c.count, 0) != func.coalesce(batches.c.count, 0),
        )
    )


def finished_batches_are_done(scope: Scope) -> Broken:
    """Finished batches in which somebody is still pending or being sent to."""
    return select(CampaignBatch.campaign_id, CampaignBatch.id).where(
        scope.includes(CampaignBatch.campaign_id),
        CampaignBatch.finished_at.is_not(None),
        CampaignBatch.pending + CampaignBatch.sending != 0,
    )


def finished_campaigns_are_done(scope: Scope) -> Broken:
    """Open batches of finished campaigns."""
    return (
        select(CampaignBatch.campaign_id, CampaignBatch.id)
        .join(Campaign, Campaign.id == CampaignBatch.campaign_id)
        .where(
            scope.includes(CampaignBatch.campaign_id),
            Campaign.finished_at.is_not(None),
            CampaignBatch.finished_at.is_(None),
        )
    )


def campaigns_that_are_done_are_finished(scope: Scope) -> Broken:
    """Started campaigns all of whose batches have been finished for a while, but not they.

    Not at once: a worker finishes its last batch and the campaign in two transactions, and if it
    dies between them the sweep does the second.
    """
    unfinished = select(CampaignBatch.id).where(
        CampaignBatch.campaign_id == Campaign.id,
        or_(
            CampaignBatch.finished_at.is_(None),
            CampaignBatch.finished_at > scope.at - SETTLING,
        ),
    )
    return select(Campaign.id.label("campaign_id"), Campaign.id).where(
        scope.includes(Campaign.id),
        Campaign.started_at < scope.at - SETTLING,
        Campaign.finished_at.is_(None),
        Campaign.cancelled_at.is_(None),
        Campaign.failure.is_(None),
        ~unfinished.exists(),
    )


def nobody_is_sent_to_without_a_lease(scope: Scope) -> Broken:
    """Recipients being sent to in a batch that nobody has held for a while, by contact id."""
    held_until = func.coalesce(CampaignBatch.lease_expires_at, CampaignRecipient.updated_at)
    return (
        select(CampaignRecipient.campaign_id, CampaignRecipient.contact_id.label("id"))
        .join(CampaignBatch, is_in_batch())
        .where(
            scope.includes(CampaignRecipient.campaign_id),
            CampaignRecipient.state == RecipientState.SENDING,
            or_(held_until.is_(None), held_until < scope.at - SETTLING),
        )
    )
