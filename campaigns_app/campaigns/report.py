"""What pages and the API show of campaigns: lists, counts, recipients.

Counts are sums over batches, never over recipients: a page costs the same for ten as for a million.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ScalarSelect, Select, func, or_, select
from sqlalchemy.orm import joinedload

from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.channels.provider import EventKind
from campaigns_app.contacts.models import Contact, Label
from campaigns_app.conversations.models import Conversation
from campaigns_app.database.clock import database_now
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Inbox, ProviderEvent

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many recipients of a campaign are in each state."""

    total: int = 0
    pending: int = 0
    sending: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    skipped: int = 0
    unknown: int = 0
    cancelled: int = 0

    @property
    def done(self) -> int:
        """Those with whom nothing will happen any more."""
        return self.total - self.pending - self.sending

    @property
    def reached(self) -> int:
        """Those to whom a message went, whatever is known of its arrival."""
        return self.sent + self.delivered + self.read

    @property
    def in_states(self) -> int:
        """Those in any state; as many as `total`, unless something is broken."""
        return sum(getattr(self, entry.name) for entry in fields(self) if entry.name != "total")

    @property
    def adds_up(self) -> bool:
        """Whether the states sum to the total, as they always must."""
        return self.in_states == self.total


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in a list; `labels` are the titles of its audience, in its order."""

    campaign: Campaign
    counts: Counts
    labels: list[str]


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """A recipient in a list; `name` and `address` are empty where the contact is gone, `reply` is
    the last thing that they answered. Who is held, or to be tried again, is so until
    `next_attempt_at`."""

    contact_id: int
    name: str
    address: str
    state: str
    reason: str | None
    error: str | None
    conversation_display_id: int | None
    sent_at: datetime | None
    provider_code: str | None
    delivered_at: datetime | None
    read_at: datetime | None
    replied_at: datetime | None
    reply: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list: its rows, how many there are in all, which page it is of how many."""

    rows: list[Row]
    total: int
    page: int
    pages: int


def list_campaigns(
    account_id: int,
    *,
    inbox_types: Sequence[str] | None = None,
    search: str = "",
    page: int = 1,
    per_page: int = 25,
) -> Page[CampaignRow]:
    """The account's campaigns, newest first; `search` looks into titles and messages.

    Makes the same number of queries whatever the number of campaigns.
    """
    wanted = select(Campaign).join(Inbox, Inbox.id == Campaign.inbox_id)
    wanted = wanted.where(Campaign.account_id == account_id)
    if inbox_types is not None:
        wanted = wanted.where(Inbox.inbox_type.in_(inbox_types))
    if search:
        wanted = wanted.where(
            or_(
                Campaign.title.icontains(search, autoescape=True),
                Campaign.message.icontains(search, autoescape=True),
            )
        )
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    campaigns = db.session.scalars(
        wanted.options(
            joinedload(Campaign.inbox).joinedload(Inbox.channel),
            joinedload(Campaign.sender),
            joinedload(Campaign.followed),
        )
        .order_by(Campaign.id.desc())
        .limit(per_page)
        .offset((page - 1) * per_page)
    ).all()
    return _page(describe_campaigns(campaigns), total, page, per_page)


def describe_campaigns(campaigns: Sequence[Campaign]) -> list[CampaignRow]:
    """Campaigns with their counts and the titles of their labels, in the given order."""
    counts = _counts_by_campaign([campaign.id for campaign in campaigns])
    titles = _label_titles({label for campaign in campaigns for label in campaign.label_ids})
    return [
        CampaignRow(
            campaign,
            counts.get(campaign.id, Counts()),
            [titles[label_id] for label_id in campaign.label_ids if label_id in titles],
        )
        for campaign in campaigns
    ]


def held_until(campaign: Campaign) -> datetime | None:
    """When the campaign goes on, where all that is left of it waits: for the end of quiet hours,
    or to be tried again. None where something can be done now, or nothing is left."""
    if not campaign.is_under_way:
        return None
    left = select(
        func.min(CampaignBatch.resume_at),
        func.count(),
        func.count(CampaignBatch.resume_at).filter(CampaignBatch.resume_at > database_now()),
    ).where(CampaignBatch.campaign_id == campaign.id, CampaignBatch.finished_at.is_(None))
    first, batches, waiting = db.session.execute(left).one()
    return first if batches == waiting else None


def count_states(campaign_id: int) -> Counts:
    """How many of the campaign's recipients are in each state; all nought before it starts."""
    return _counts_by_campaign([campaign_id]).get(campaign_id, Counts())


def list_recipients(
    campaign: Campaign, *, state: str | None = None, page: int = 1, per_page: int = 50
) -> Page[RecipientRow]:
    """The campaign's recipients by contact id, those in `state` only if one is given."""
    counts = count_states(campaign.id)
    total = getattr(counts, state) if state else counts.total
    rows = db.session.execute(
        _recipients(campaign, state).limit(per_page).offset((page - 1) * per_page)
    )
    return _page([RecipientRow(*row) for row in rows], total, page, per_page)


def _recipients(campaign: Campaign, state: str | None) -> Select[*tuple[Any, ...]]:
    recipients = (
        select(
            CampaignRecipient.contact_id,
            func.coalesce(Contact.name, ""),
            func.coalesce(Contact.phone_number, Contact.email, Contact.identifier, ""),
            CampaignRecipient.state,
            CampaignRecipient.reason,
            CampaignRecipient.error,
            Conversation.display_id,
            CampaignRecipient.sent_at,
            CampaignRecipient.provider_code,
            CampaignRecipient.delivered_at,
            CampaignRecipient.read_at,
            CampaignRecipient.replied_at,
            _last_reply(),
            CampaignRecipient.next_attempt_at,
        )
        .outerjoin(Contact, Contact.id == CampaignRecipient.contact_id)
        .outerjoin(
            Conversation,
            (Conversation.campaign_id == CampaignRecipient.campaign_id)
            & (Conversation.contact_id == CampaignRecipient.contact_id),
        )
        .where(CampaignRecipient.campaign_id == campaign.id)
        .order_by(CampaignRecipient.contact_id)
    )
    return recipients.where(CampaignRecipient.state == state) if state else recipients


def _last_reply() -> ScalarSelect[str]:
    return (
        select(ProviderEvent.event["text"].as_string())
        .where(
            ProviderEvent.recipient_id == CampaignRecipient.id,
            ProviderEvent.kind == EventKind.REPLIED.value,
        )
        .order_by(ProviderEvent.id.desc())
        .limit(1)
        .correlate(CampaignRecipient)
        .scalar_subquery()
    )


def _counts_by_campaign(campaign_ids: Sequence[int]) -> Mapping[int, Counts]:
    names = [entry.name for entry in fields(Counts)]
    sums = [func.sum(getattr(CampaignBatch, name)) for name in names]
    rows = db.session.execute(
        select(CampaignBatch.campaign_id, *sums)
        .where(CampaignBatch.campaign_id.in_(campaign_ids))
        .group_by(CampaignBatch.campaign_id)
    )
    return {row[0]: Counts(*(int(value) for value in row[1:])) for row in rows}


def _label_titles(label_ids: set[int]) -> Mapping[int, str]:
    rows = db.session.execute(select(Label.id, Label.title).where(Label.id.in_(label_ids)))
    return {row.id: row.title for row in rows}


def _page(rows: list[Row], total: int, page: int, per_page: int) -> Page[Row]:
    return Page(rows, total, page, max(1, -(-total // per_page)))
