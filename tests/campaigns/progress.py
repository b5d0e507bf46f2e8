"""How far a campaign is, asked without keeping the workers from writing."""

from sqlalchemy import select

from campaigns_app.campaigns.models import Campaign
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db


def is_finished(campaign_id: int) -> bool:
    """Whether every recipient has been dealt with."""
    with reading(db.session()) as session:
        finished_at = session.scalar(select(Campaign.finished_at).where(Campaign.id == campaign_id))
        return finished_at is not None
