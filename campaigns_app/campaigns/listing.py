"""A page of the list of campaigns, with what was asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns_app.campaigns.freshness import seconds_until_news
from campaigns_app.campaigns.report import CampaignRow, Page, list_campaigns
from campaigns_app.channels.base import Channel
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.service import list_halted


@dataclass(frozen=True, slots=True)
class Listing:
    """Campaigns of one channel (None: of all) that hold the text `search` (blank: any), and after
    how many seconds the list may look different by itself (None: it will not). Nothing leaves the
    `halted` inboxes until somebody has seen to it."""

    found: Page[CampaignRow]
    channel: Channel | None
    search: str
    seconds_until_news: int | None
    halted: list[Inbox]

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
    halted = list_halted(account_id)
    return Listing(found, channel, search, seconds_until_news(shown, now), halted)
