"""What the demonstration counts, and whether it adds up. Nothing here is assumed: every number is
read from the database, or was counted by the receiver."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.contacts.models import Contact
from campaigns_app.conversations.models import Conversation, Message
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db
from campaigns_app.operations.demo.receiver import Arrivals, WebhookReceiver
from campaigns_app.webhooks.events import OPENING_EVENTS
from campaigns_app.webhooks.models import WebhookDelivery
from campaigns_app.webhooks.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures as they are printed; `seconds` is from the scheduled time to the last webhook."""

    contacts: int
    recipients: int
    skipped: int
    conversations: int
    messages: int
    webhooks_delivered: int
    webhooks_verified: int
    failed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """How far a campaign is. `deliveries` are webhooks that have to be made, `failure` is why the
    campaign could not start, `finished` whether every recipient has been dealt with, `seconds` the
    time from when it was due to the last thing that happened."""

    counts: Counts
    contacts: int
    conversations: int
    messages: int
    deliveries: int
    deliveries_pending: int
    deliveries_made: int
    arrivals: Arrivals
    finished: bool
    failure: str | None
    seconds: float

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen any more."""
        return self.failure is not None or (self.finished and self.deliveries_pending == 0)

    def summarize(self) -> Summary:
        """The figures to print."""
        return Summary(
            contacts=self.contacts,
            recipients=self.counts.total,
            skipped=self.counts.skipped,
            conversations=self.conversations,
            messages=self.messages,
            webhooks_delivered=self.deliveries_made,
            webhooks_verified=self.arrivals.verified,
            failed=self.counts.failed,
            seconds=round(self.seconds, 2),
        )

    def faults(self) -> Iterator[str]:
        """What does not add up, a sentence each."""
        if self.failure is not None:
            yield f"The campaign could not start: {self.failure}"
        yield from self._unfinished()
        yield from self._mismatches()

    def _unfinished(self) -> Iterator[str]:
        if not self.finished:
            left = self.counts.pending + self.counts.sending
            yield f"{left:,} of {self.counts.total:,} recipients have not been dealt with."
        if self.deliveries_pending:
            yield f"{self.deliveries_pending:,} webhooks have not been delivered."

    def _mismatches(self) -> Iterator[str]:
        expected_webhooks = len(OPENING_EVENTS) * self.conversations
        claims = (
            (self.counts.adds_up, "The states of the recipients do not sum to their number."),
            (self.counts.total > 0, "The campaign had no recipients."),
            (
                self.counts.reached == self.conversations == self.messages,
                f"{self.counts.reached:,} recipients were reached with {self.conversations:,} "
                f"conversations and {self.messages:,} messages.",
            ),
            (
                expected_webhooks == self.deliveries == self.deliveries_made,
                f"{self.deliveries_made:,} of {expected_webhooks:,} webhooks were delivered.",
            ),
            (
                self.arrivals.verified == self.deliveries_made,
                f"{self.arrivals.verified:,} different webhooks arrived and were verified, of "
                f"{self.deliveries_made:,} delivered.",
            ),
            (
                self.arrivals.refused == 0,
                f"{self.arrivals.refused:,} webhooks had a wrong signature.",
            ),
        )
        yield from (sentence for holds, sentence in claims if not holds)


def read_figures(campaign_id: int, receiver: WebhookReceiver) -> Figures:
    """How far the campaign is now, on an installation that has no other. Does not write."""
    with reading(db.session()) as session:
        campaign = session.get_one(Campaign, campaign_id)
        deliveries = _count_deliveries(session)
        conversation_ids = select(Conversation.id).where(Conversation.campaign_id == campaign_id)
        return Figures(
            counts=count_states(campaign_id),
            contacts=_count(session, select(Contact.id)),
            conversations=_count(session, conversation_ids),
            messages=_count(
                session,
                select(Message.id).where(Message.conversation_id.in_(conversation_ids)),
            ),
            deliveries=sum(deliveries.values()),
            deliveries_pending=deliveries.get(DeliveryState.PENDING, 0),
            deliveries_made=deliveries.get(DeliveryState.DELIVERED, 0),
            finished=campaign.finished_at is not None,
            failure=campaign.failure,
            seconds=_seconds(session, campaign),
            # Looked at last: what the database has as delivered must have arrived by then.
            arrivals=receiver.arrivals,
        )


def _seconds(session: Session, campaign: Campaign) -> float:
    last_delivery = session.scalar(select(func.max(WebhookDelivery.delivered_at)))
    ends = [at for at in (last_delivery, campaign.finished_at) if at is not None]
    due = campaign.scheduled_at
    return (max(ends) - due).total_seconds() if ends and due is not None else 0.0


def _count(session: Session, statement: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(statement.subquery())) or 0


def _count_deliveries(session: Session) -> dict[str, int]:
    rows = session.execute(
        select(WebhookDelivery.state, func.count()).group_by(WebhookDelivery.state)
    )
    return dict(rows.all())
