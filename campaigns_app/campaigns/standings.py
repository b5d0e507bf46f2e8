"""Standings in the ledger, for whoever learns afterwards what became of messages.

Who sends holds the batch; who comes afterwards locks it too, for one short transaction, so that
no two write about a recipient at once. Batches are locked in the order of their ids and before
anything else, the counters change by differences, and so nobody waits for each other in a circle.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.announcing import announce_recipients
from campaigns_app.campaigns.models import CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.standing import Standing
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.database.clock import database_now
from campaigns_app.webhooks.campaign_events import RecipientChange

_NAMES = [one.name for one in fields(Standing)]
_WRITTEN = [name for name in _NAMES if name != "attempts"]

TOLD = (RecipientState.DELIVERED, RecipientState.READ, RecipientState.FAILED)
"""The states that endpoints are told of."""


@dataclass(frozen=True, slots=True)
class LockedRecipient:
    """A recipient whose batch is locked until the transaction ends."""

    id: int
    account_id: int
    campaign_id: int
    contact_id: int
    batch_id: int
    standing: Standing


def lock_recipients(session: Session, ids: Collection[int]) -> dict[int, LockedRecipient]:
    """The rows of the ledger with these ids, by id, as they are once their batches are locked.

    Does not commit.
    """
    batches = _lock_batches(session, ids)
    rows = session.execute(
        select(
            CampaignRecipient.id,
            CampaignRecipient.account_id,
            CampaignRecipient.campaign_id,
            CampaignRecipient.contact_id,
            *(getattr(CampaignRecipient, name) for name in _NAMES),
        ).where(CampaignRecipient.id.in_(batches))
    )
    return {
        row.id: LockedRecipient(
            row.id,
            row.account_id,
            row.campaign_id,
            row.contact_id,
            batches[row.id],
            Standing(*row[4:]),
        )
        for row in rows
    }


def write_standings(
    session: Session, recipients: Mapping[int, LockedRecipient], after: Mapping[int, Standing]
) -> None:
    """Write down the new standings `after` of some of the locked `recipients`, by id, and count
    them, and tell the endpoints that want to know. Does not commit."""
    changed = {
        key: standing for key, standing in after.items() if standing != recipients[key].standing
    }
    if not changed:
        return
    table = cast(Table, CampaignRecipient.__table__)
    session.connection().execute(
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values(updated_at=database_now(), **{name: bindparam(f"new_{name}") for name in _WRITTEN}),
        [_values(key, changed[key]) for key in sorted(changed)],
    )
    _count(session, recipients, changed)
    _announce(session, recipients, changed)


def _lock_batches(session: Session, recipient_ids: Collection[int]) -> dict[int, int]:
    """Lock the batches of the recipients; returns their ids by those of the recipients."""
    batch_of = (
        select(CampaignBatch.id)
        .where(
            CampaignBatch.campaign_id == CampaignRecipient.campaign_id,
            CampaignBatch.first_contact_id <= CampaignRecipient.contact_id,
        )
        .order_by(CampaignBatch.first_contact_id.desc())
        .limit(1)
        .correlate(CampaignRecipient)
        .scalar_subquery()
    )
    found = session.execute(
        select(CampaignRecipient.id, batch_of).where(CampaignRecipient.id.in_(recipient_ids))
    )
    batches = {row[0]: row[1] for row in found if row[1] is not None}
    session.execute(
        select(CampaignBatch.id)
        .where(CampaignBatch.id.in_(set(batches.values())))
        .order_by(CampaignBatch.id)
        .with_for_update()
    ).all()
    return batches


def _announce(
    session: Session,
    recipients: Mapping[int, LockedRecipient],
    changed: Mapping[int, Standing],
) -> None:
    """Tell endpoints what became of whom, campaign by campaign."""
    by_campaign: defaultdict[tuple[int, int], list[RecipientChange]] = defaultdict(list)
    for key, after in changed.items():
        one = recipients[key]
        by_campaign[one.account_id, one.campaign_id] += [
            RecipientChange(
                one.contact_id,
                change,
                after.state,
                after.reason,
                after.error,
                after.provider_message_id,
            )
            for change in _changes(one.standing, after)
        ]
    for (account_id, campaign_id), changes in by_campaign.items():
        announce_recipients(session, account_id, campaign_id, changes)


def _changes(before: Standing, after: Standing) -> Iterator[str]:
    if after.state != before.state and after.state in TOLD:
        yield after.state
    if after.replied_at is not None and before.replied_at is None:
        yield "replied"


def _values(row_id: int, standing: Standing) -> dict[str, Any]:
    return {"row_id": row_id, **{f"new_{name}": getattr(standing, name) for name in _WRITTEN}}


def _count(
    session: Session,
    recipients: Mapping[int, LockedRecipient],
    changed: Mapping[int, Standing],
) -> None:
    moved: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for key, standing in changed.items():
        counter = moved[recipients[key].batch_id]
        counter[standing.state] += 1
        counter[recipients[key].standing.state] -= 1
    for batch_id in sorted(moved):
        counters = {
            state: getattr(CampaignBatch, state) + count
            for state, count in moved[batch_id].items()
            if count
        }
        if counters:
            session.execute(
                update(CampaignBatch)
                .where(CampaignBatch.id == batch_id)
                .values(counters)
                .execution_options(synchronize_session=False)
            )
