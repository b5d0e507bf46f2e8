"""Every recipient is in exactly one batch, whatever the sizes and the gaps between ids."""

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.cutting import cut_batches
from campaigns_app.campaigns.models import CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from tests.factories import make_account, make_campaign

IDS = (3, 4, 9, 10, 11, 50, 51, 70)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9, 1000])
@pytest.mark.parametrize("skipped", [(), (3,), (10, 11), IDS])
def test_each_is_in_one_batch(
    app: Flask, session: Session, size: int, skipped: tuple[int, ...]
) -> None:
    campaign = make_campaign(make_account())
    session.add_all(
        CampaignRecipient(
            account_id=campaign.account_id,
            campaign_id=campaign.id,
            contact_id=contact_id,
            state=RecipientState.SKIPPED if contact_id in skipped else RecipientState.PENDING,
        )
        for contact_id in IDS
    )
    session.flush()

    open_ids = cut_batches(session, campaign.id, len(IDS), size)

    batches = session.scalars(select(CampaignBatch).order_by(CampaignBatch.id)).all()
    assert len(batches) == -(-len(IDS) // size)
    for number, batch in enumerate(batches):
        ids = IDS[number * size : (number + 1) * size]
        inside = select(func.count()).where(
            CampaignRecipient.contact_id.between(batch.first_contact_id, batch.last_contact_id)
        )
        assert batch.first_contact_id == ids[0]
        assert session.scalar(inside) == batch.total == len(ids)
        assert batch.skipped == len(set(ids) & set(skipped))
        assert batch.pending == batch.total - batch.skipped
        assert (batch.finished_at is None) == (batch.id in open_ids) == (batch.pending > 0)


def test_an_audience_of_nobody_has_no_batches(app: Flask, session: Session) -> None:
    assert cut_batches(session, make_campaign(make_account()).id, 0, 10) == []
