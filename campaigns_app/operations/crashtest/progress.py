"""How far everything is, asked in a way that no fault can break."""

from dataclasses import dataclass

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignBatch
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db
from campaigns_app.webhooks.models import WebhookDelivery
from campaigns_app.webhooks.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Progress:
    """`latest_id` is the newest campaign, `unfinished` how many have work left, `pending` how many
    recipients wait in them, `is_telling` whether a webhook has still to be delivered."""

    latest_id: int
    unfinished: int
    pending: int
    is_telling: bool

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more."""
        return self.unfinished == 0 and not self.is_telling


def read_progress(app: Flask) -> Progress | None:
    """How far everything is now; None when the database cannot be asked. Does not write."""
    with app.app_context():
        try:
            with reading(db.session()) as session:
                return _read(session)
        except DBAPIError:
            return None


def _read(session: Session) -> Progress:
    unfinished = select(func.count()).where(
        Campaign.finished_at.is_(None), Campaign.failure.is_(None)
    )
    pending = select(func.coalesce(func.sum(CampaignBatch.pending), 0)).where(
        CampaignBatch.finished_at.is_(None)
    )
    waiting = select(WebhookDelivery.id).where(WebhookDelivery.state == DeliveryState.PENDING)
    return Progress(
        latest_id=session.scalar(select(func.max(Campaign.id))) or 0,
        unfinished=session.scalars(unfinished).one(),
        pending=session.scalars(pending).one(),
        is_telling=session.scalar(waiting.limit(1)) is not None,
    )
