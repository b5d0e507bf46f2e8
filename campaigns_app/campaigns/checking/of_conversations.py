"""What must hold between recipients and the conversations that were opened with them."""

from sqlalchemy import and_, func, or_, select

from campaigns_app.campaigns.checking.promise import (
    Broken,
    Scope,
    is_for_recipient,
    was_sent_to,
)
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.contacts.models import Contact
from campaigns_app.conversations.models import ContactInbox, Conversation, Message, MessageType


def nobody_pending_has_a_conversation(scope: Scope) -> Broken:
    """Recipients who wait for the conversation that they have already, by contact id."""
    return (
        select(CampaignRecipient.campaign_id, CampaignRecipient.contact_id.label("id"))
        .join(Conversation, is_for_recipient())
        .where(
            scope.converses(CampaignRecipient.campaign_id),
            CampaignRecipient.state == RecipientState.PENDING,
        )
    )


def everybody_sent_to_has_a_conversation(scope: Scope) -> Broken:
    """Recipients who were sent to without a conversation, by contact id.

    A deleted contact's conversation does not say any more whose it was: it is told only by number,
    in `conversations_are_as_many_as_sent`.
    """
    return select(CampaignRecipient.campaign_id, CampaignRecipient.contact_id.label("id")).where(
        scope.converses(CampaignRecipient.campaign_id),
        was_sent_to(),
        ~select(Conversation.id).where(is_for_recipient()).exists(),
        select(Contact.id).where(Contact.id == CampaignRecipient.contact_id).exists(),
    )


def every_conversation_is_of_somebody_sent_to(scope: Scope) -> Broken:
    """Conversations of a campaign with somebody who is not its recipient, or whose turn ended
    without one; who is still pending is told by `nobody_pending_has_a_conversation`."""
    accounted_for = select(CampaignRecipient.id).where(
        is_for_recipient(),
        or_(was_sent_to(), CampaignRecipient.state == RecipientState.PENDING),
    )
    return select(Conversation.campaign_id, Conversation.id).where(
        Conversation.campaign_id.is_not(None),
        Conversation.contact_id.is_not(None),
        scope.includes(Conversation.campaign_id),
        ~accounted_for.exists(),
    )


def conversations_are_as_many_as_sent(scope: Scope) -> Broken:
    """Campaigns with more or fewer conversations than recipients who were sent to."""
    sent = (
        select(CampaignRecipient.campaign_id, func.count().label("count"))
        .where(scope.includes(CampaignRecipient.campaign_id), was_sent_to())
        .group_by(CampaignRecipient.campaign_id)
        .subquery()
    )
    opened = (
        select(Conversation.campaign_id, func.count().label("count"))
        .where(Conversation.campaign_id.is_not(None), scope.includes(Conversation.campaign_id))
        .group_by(Conversation.campaign_id)
        .subquery()
    )
    return (
        select(Campaign.id.label("campaign_id"), Campaign.id)
        .outerjoin(sent, sent.c.campaign_id == Campaign.id)
        .outerjoin(opened, opened.c.campaign_id == Campaign.id)
        .where(
            scope.converses(Campaign.id),
            func.coalesce(sent.c.count, 0) != func.coalesce(opened.c.count, 0),
        )
    )


def each_conversation_has_one_first_message(scope: Scope) -> Broken:
    """Conversations of a campaign without its message, or with several of them.

    The campaign's message names the campaign; what people wrote afterwards does not.
    """
    of_campaign = and_(
        Message.conversation_id == Conversation.id,
        Message.message_type == MessageType.OUTGOING.value,
        Message.additional_attributes["campaign_id"].as_integer() == Conversation.campaign_id,
    )
    return (
        select(Conversation.campaign_id, Conversation.id)
        .outerjoin(Message, of_campaign)
        .where(Conversation.campaign_id.is_not(None), scope.includes(Conversation.campaign_id))
        .group_by(Conversation.id)
        .having(func.count(Message.id) != 1)
    )


def no_contact_inbox_is_orphaned(scope: Scope) -> Broken:
    """Contact inboxes that a campaign made without the conversation they were made for.

    A row does not say who made it. It is counted as a campaign's where its contact is in the
    campaign's ledger, its inbox is the campaign's, and it is not older than the campaign's start:
    nothing else in this app makes contact inboxes.
    """
    has_conversation = select(Conversation.id).where(
        Conversation.contact_inbox_id == ContactInbox.id
    )
    return (
        select(func.min(Campaign.id).label("campaign_id"), ContactInbox.id)
        .join(Campaign, Campaign.inbox_id == ContactInbox.inbox_id)
        .join(
            CampaignRecipient,
            and_(
                CampaignRecipient.campaign_id == Campaign.id,
                CampaignRecipient.contact_id == ContactInbox.contact_id,
            ),
        )
        .where(
            scope.converses(Campaign.id),
            Campaign.started_at <= ContactInbox.created_at,
            ~has_conversation.exists(),
        )
        .group_by(ContactInbox.id)
    )
