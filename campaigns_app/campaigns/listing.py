"""A page of the list of campaigns, with what was asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select

from campaigns_app.campaigns.freshness import seconds_until_news
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import CampaignRow, Page, list_campaigns
from campaigns_app.channels.base import Channel
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Inbox


@dataclass(frozen=True, slots=True)
class Listing:
    """Campaigns of one channel (None: of all) that hold the text `search` (blank: any), and after
    how many seconds the list may look different by itself (None: it will not). Nothing leaves the
    inboxes that are `holding` until somebody has seen to it."""

    found: Page[CampaignRow]
    channel: Channel | None
    search: str
    seconds_until_news: int | None
    holding: list[Inbox]

    @property
    def arguments(self) -> dict[str, str]:
        """What was asked for, as it stands in addresses."""
        slug = self.channel.slug if self.channel else ""
        asked = {"channel": slug, "q": self.search}
        return {name: value for name, value in asked.items() if value}

    @property
    def place(self) -> dict[str, Any]:
        """`arguments`, and the page's number unless it is the first."""
        number = {"page": self.found.page} if self.found.page > 1 else {}
        return self.arguments | number


def read_listing(
    account_id: int, channel: Channel | None, search: str, page: int, now: datetime
) -> Listing:
    """A page of the account's campaigns; the last one where there is no such page any more."""
    types = [channel.name] if channel else None
    found = list_campaigns(account_id, inbox_types=types, search=search, page=page)
    if page > found.pages:
        found = list_campaigns(account_id, inbox_types=types, search=search, page=found.pages)
    shown = [row.campaign for row in found.rows]
    holding = list_holding(account_id)
    return Listing(found, channel, search, seconds_until_news(shown, now), holding)


def list_holding(account_id: int) -> list[Inbox]:
    """The account's inboxes that nothing can leave until somebody has done something, by name: the
    halted, and the disabled in which a campaign is under way."""
    is_under_way = exists().where(
        Campaign.inbox_id == Inbox.id,
        Campaign.started_at.is_not(None),
        Campaign.finished_at.is_(None),
        Campaign.cancelled_at.is_(None),
        Campaign.failure.is_(None),
    )
    return list(
        db.session.scalars(
            select(Inbox)
            .where(
                Inbox.account_id == account_id,
                or_(Inbox.halted_at.is_not(None), Inbox.enabled.is_(False) & is_under_way),
            )
            .order_by(Inbox.name)
        )
    )
