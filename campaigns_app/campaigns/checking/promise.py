"""What a promise is, and of which campaigns it is asked.

Every promise is a query for what breaks it, meant for one snapshot of the database, in which a
chunk is there wholly or not at all: so none raises a false alarm while workers are at it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.conversations.models import Conversation
from campaigns_app.inboxes.models import Inbox

IdColumn = InstrumentedAttribute[int] | InstrumentedAttribute[int | None]

SETTLING = timedelta(seconds=60)
"""How long what a dead worker left behind may lie there: a sweep takes seconds to find it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which campaigns are looked at, and when: those of an account and those of that number,
    where given. `at` is the database's time of the snapshot. `conversation_types` are the types of
    inboxes whose campaigns open conversations."""

    at: datetime
    conversation_types: tuple[str, ...]
    account_id: int | None = None
    display_id: int | None = None

    def includes(self, campaign_id: IdColumn) -> ColumnElement[bool]:
        """The condition that `campaign_id`, a column, is one of the campaigns."""
        conditions = []
        if self.account_id is not None:
            conditions.append(Campaign.account_id == self.account_id)
        if self.display_id is not None:
            conditions.append(Campaign.display_id == self.display_id)
        if not conditions:
            return true()
        return campaign_id.in_(select(Campaign.id).where(*conditions))

    def converses(self, campaign_id: IdColumn) -> ColumnElement[bool]:
        """`includes`, and that the campaign opens conversations."""
        conversing = (
            select(Campaign.id)
            .join(Inbox, Inbox.id == Campaign.inbox_id)
            .where(Inbox.inbox_type.in_(self.conversation_types))
        )
        return self.includes(campaign_id) & campaign_id.in_(conversing)


Broken = Select[Any, Any]
"""Rows of a campaign's id and the id of what is broken."""


class Thing(StrEnum):
    """What the second id of a query is an id of."""

    CAMPAIGN = "campaign"
    BATCH = "batch"
    CONTACT = "contact"
    CONVERSATION = "conversation"
    CONTACT_INBOX = "contact inbox"


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that must hold: in words, and the query for what breaks it.

    `left_alone` says why a repair does not mend it; it is empty where one does. `is_cheap` promises
    look at batches only, of which there is one for hundreds of recipients.
    """

    text: str
    thing: Thing
    find_broken: Callable[[Scope], Broken]
    left_alone: str = ""
    is_cheap: bool = False

    @property
    def name(self) -> str:
        """The promise's name, for programs."""
        return self.find_broken.__name__


def was_sent_to() -> ColumnElement[bool]:
    """The condition that a recipient was written to, even if that failed later."""
    reached = (RecipientState.SENT, RecipientState.DELIVERED, RecipientState.READ)
    return CampaignRecipient.state.in_(reached) | and_(
        CampaignRecipient.state == RecipientState.FAILED, CampaignRecipient.sent_at.is_not(None)
    )


def is_in_batch() -> ColumnElement[bool]:
    """The condition that a recipient belongs to a batch."""
    return and_(
        CampaignRecipient.campaign_id == CampaignBatch.campaign_id,
        CampaignRecipient.contact_id.between(
            CampaignBatch.first_contact_id, CampaignBatch.last_contact_id
        ),
    )


def is_for_recipient() -> ColumnElement[bool]:
    """The condition that a conversation is the one of a recipient."""
    return and_(
        Conversation.campaign_id == CampaignRecipient.campaign_id,
        Conversation.contact_id == CampaignRecipient.contact_id,
    )
