"""Mending what a check found, where there is only one way in which it can be right.

The ledger is the truth about its counters, and a conversation about its recipient: the unique
index and the chunk's transaction stand behind both. Whatever else is broken is left to a person.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import func, select, union, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns import ledger
from campaigns_app.campaigns.checking import of_conversations, of_ledger
from campaigns_app.campaigns.checking.check import make_scope
from campaigns_app.campaigns.checking.promise import Scope, is_for_recipient, is_in_batch
from campaigns_app.campaigns.models import CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.channels.registry import ChannelRegistry
from campaigns_app.conversations.models import Conversation
from campaigns_app.database.clock import database_now
from campaigns_app.database.transactions import snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Repairs:
    """What was mended: recipients who turned out to be sent to, batches counted again, campaigns
    marked finished."""

    sent: int
    recounted: int
    finished: int


def repair_campaigns(
    session: Session,
    channels: ChannelRegistry,
    *,
    account_id: int | None = None,
    display_id: int | None = None,
) -> Repairs:
    """Mend the campaigns of the account and of that number, if given. May run while they do.

    Ends the present transaction first. Commits after each batch.
    """
    session.rollback()
    with snapshot(session):
        scope = replace(make_scope(session, channels), account_id=account_id, display_id=display_id)
        batch_ids = _batches_to_mend(session, scope)
        campaign_ids = session.scalars(
            select(of_ledger.campaigns_that_are_done_are_finished(scope).subquery().c.id)
        ).all()
    changes = [_mend_batch(session, batch_id) for batch_id in batch_ids]
    finished = [one for one in campaign_ids if ledger.finish_campaign(session, one)]
    return Repairs(sum(sent for sent, _ in changes), sum(new for _, new in changes), len(finished))


def _batches_to_mend(session: Session, scope: Scope) -> list[int]:
    waiting = of_conversations.nobody_pending_has_a_conversation(scope).subquery()
    with_waiting = (
        select(CampaignBatch.id)
        .join(CampaignRecipient, is_in_batch())
        .join(
            waiting,
            (waiting.c.campaign_id == CampaignRecipient.campaign_id)
            & (waiting.c.id == CampaignRecipient.contact_id),
        )
    )
    miscounted = (
        select(find(scope).subquery().c.id)
        for find in (of_ledger.counters_sum_to_total, of_ledger.counters_match_the_ledger)
    )
    return list(session.scalars(union(with_waiting, *miscounted).order_by("id")))


def _mend_batch(session: Session, batch_id: int) -> tuple[int, bool]:
    """How many recipients became sent, and whether a counter changed. Commits.

    The batch is locked as a worker locks it, so that neither sees half of the other's work.
    """
    batch = session.scalars(
        select(CampaignBatch)
        .where(CampaignBatch.id == batch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if batch is None:
        session.rollback()
        return 0, False
    sent = _note_conversations(session, batch)
    counted = dict(_count_states(session, batch))
    before = {name: getattr(batch, name) for name in counted}
    for name, count in counted.items():
        setattr(batch, name, count)
    session.commit()
    if before != counted:
        logger.warning("Counted batch %s again: %s was %s", batch_id, counted, before)
    return sent, before != counted


def _note_conversations(session: Session, batch: CampaignBatch) -> int:
    """Make those sent who are pending and have the campaign's conversation; returns how many."""
    opened_at = (
        select(Conversation.created_at)
        .where(is_for_recipient())
        .correlate(CampaignRecipient)
        .scalar_subquery()
    )
    changed = session.connection().execute(
        update(CampaignRecipient)
        .where(
            CampaignRecipient.campaign_id == batch.campaign_id,
            CampaignRecipient.contact_id.between(batch.first_contact_id, batch.last_contact_id),
            CampaignRecipient.state == RecipientState.PENDING,
            opened_at.is_not(None),
        )
        .values(
            state=RecipientState.SENT.value,
            attempts=CampaignRecipient.attempts + 1,
            sent_at=opened_at,
            updated_at=database_now(),
        )
    )
    if changed.rowcount:
        logger.warning("%s recipients of batch %s were sent to", changed.rowcount, batch.id)
    return int(changed.rowcount)


def _count_states(session: Session, batch: CampaignBatch) -> Iterator[tuple[str, int]]:
    """The batch's counters by name, as the ledger has them."""
    rows = session.execute(
        select(CampaignRecipient.state, func.count())
        .where(
            CampaignRecipient.campaign_id == batch.campaign_id,
            CampaignRecipient.contact_id.between(batch.first_contact_id, batch.last_contact_id),
        )
        .group_by(CampaignRecipient.state)
    )
    counts = {row[0]: row[1] for row in rows}
    yield "total", sum(counts.values())
    for state in RecipientState:
        yield state.value, counts.get(state.value, 0)
