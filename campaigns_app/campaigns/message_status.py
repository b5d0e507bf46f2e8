"""What an integration tells of the messages of an API inbox: that one was delivered or read, or
that it failed. The message, the ledger and the endpoints learn of it in one transaction."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.standing import advance, get_further
from campaigns_app.campaigns.standings import lock_recipients, write_standings
from campaigns_app.channels.provider import EventKind, ProviderEvent
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import Contact
from campaigns_app.conversations.models import ContactInbox, Conversation, Message, MessageStatus
from campaigns_app.errors import NotFound
from campaigns_app.extensions import db
from campaigns_app.webhooks.message_events import MessageChange, record_message_updates
from campaigns_app.webhooks.opening import Opened, Opening


def report_message(
    account: Account,
    conversation_number: int,
    message_id: int,
    status: MessageStatus,
    *,
    error: str = "",
    now: datetime,
) -> tuple[Message, Conversation]:
    """Write down how far a message of a campaign got; `error` is why it failed.

    A status only moves forward, `sent < failed < delivered < read`: what is older than what is
    known changes nothing, so that a report may be repeated, and reports may overtake each other.
    Raises `NotFound`. Commits.
    """
    session = db.session()
    message, conversation = _find(session, account, conversation_number, message_id)
    locked = lock_recipients(session, _recipient_ids(session, conversation))
    session.refresh(message, with_for_update=True)
    if get_further(message.status, status) != message.status:
        before = message.status
        message.status = status.value
        message.external_error = (error or None) if status is MessageStatus.FAILED else None
        message.updated_at = now
        event = ProviderEvent(key="", kind=EventKind(status.value), at=now, text=error)
        after = {key: advance(one.standing, event) for key, one in locked.items()}
        write_standings(session, locked, after)
        _tell(session, message, conversation, before, now)
    session.commit()
    return message, conversation


def _find(
    session: Session, account: Account, conversation_number: int, message_id: int
) -> tuple[Message, Conversation]:
    found = session.execute(
        select(Message, Conversation)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Conversation.account_id == account.id,
            Conversation.display_id == conversation_number,
            Message.id == message_id,
        )
    ).first()
    if found is None:
        raise NotFound(f"no message {message_id} in conversation {conversation_number}")
    return found[0], found[1]


def _recipient_ids(session: Session, conversation: Conversation) -> list[int]:
    """The recipient's, if campaign and contact are still there."""
    return list(
        session.scalars(
            select(CampaignRecipient.id).where(
                CampaignRecipient.campaign_id == conversation.campaign_id,
                CampaignRecipient.contact_id == conversation.contact_id,
            )
        )
    )


def _tell(
    session: Session, message: Message, conversation: Conversation, before: str, now: datetime
) -> None:
    """Tell that the message has changed, unless nobody can say any more whose it was."""
    campaign = session.get(Campaign, conversation.campaign_id or 0)
    contact = session.get(Contact, conversation.contact_id or 0)
    known = session.get(ContactInbox, conversation.contact_inbox_id or 0)
    if campaign is None or contact is None or known is None:
        return
    session.flush()

    def read_changes() -> list[MessageChange]:
        opened = Opened(
            {column.name: getattr(contact, column.name) for column in Contact.__table__.columns},
            known.id,
            known.source_id,
            known.created_at,
            conversation.display_id,
            message.id,
            message.content,
        )
        opening = _opening(campaign, message, now)
        return [MessageChange(conversation.id, opening, opened, {"status": before})]

    record_message_updates(session, campaign.account_id, message.inbox_id, read_changes, now)


def _opening(campaign: Campaign, message: Message, now: datetime) -> Opening:
    sender = campaign.sender
    return Opening(
        account={"id": campaign.account.id, "name": campaign.account.name},
        inbox={"id": campaign.inbox.id, "name": campaign.inbox.name},
        channel=get_channels().get(campaign.inbox.inbox_type).webhook_name,
        sender={"id": sender.id, "name": sender.name, "email": sender.email} if sender else None,
        campaign_id=campaign.id,
        at=message.created_at,
        status=message.status,
        updated_at=now,
    )
