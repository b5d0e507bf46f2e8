"""Carrying a campaign out as a worker does."""

import time
from dataclasses import replace

from sqlalchemy import select

from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import count_states
from campaigns_app.extensions import db
from campaigns_app.operations.bench.measuring import Timing, timed

LOOK_SECONDS = 0.005


def carry_out(campaign_id: int) -> Timing:
    """Start the campaign and deliver its batches until it is finished, alone or together with
    other workers that do the same. Counts those who were reached."""
    timing = timed(0, lambda: work_until_finished(campaign_id))
    reached = count_states(campaign_id).reached
    db.session.rollback()
    return replace(timing, count=reached)


def work_until_finished(campaign_id: int) -> None:
    """What `carry_out` times."""
    execute_campaign(campaign_id)
    deliver_batches()
    # A job ends after its shift; and another worker may still have the last batch.
    while not is_finished(campaign_id):
        time.sleep(LOOK_SECONDS)
        deliver_batches()


def start(campaign_id: int) -> None:
    """Start the campaign, and deliver nothing."""
    execute_campaign(campaign_id)


def is_finished(campaign_id: int) -> bool:
    """Whether nothing more will happen with it."""
    finished_at = db.session.scalar(select(Campaign.finished_at).where(Campaign.id == campaign_id))
    db.session.rollback()
    return finished_at is not None
