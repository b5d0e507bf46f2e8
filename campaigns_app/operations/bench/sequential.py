"""The specification's own algorithm, as the thing to be compared with.

One contact after another, each with a commit of its own, through the ORM: what one gets by writing
the specification's flow chart down. It writes the same rows as the engine.
"""

from dataclasses import replace
from secrets import token_hex
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.rendering import MessageTemplate, Surroundings
from campaigns_app.campaigns.states import CampaignStatus
from campaigns_app.contacts.models import Contact, ContactLabel
from campaigns_app.conversations.models import ContactInbox, Conversation, Message, MessageType
from campaigns_app.extensions import db
from campaigns_app.operations.bench.measuring import Timing, timed
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from campaigns_app.webhooks.opening import Opened, Opening


def carry_out(campaign_id: int) -> Timing:
    """Carry the campaign out that way; counts the contacts it reached. Commits for each."""
    timing = timed(0, lambda: _execute(db.session(), campaign_id))
    reached = db.session.scalar(select(func.count()).select_from(Conversation))
    db.session.rollback()
    return replace(timing, count=reached or 0)


def _execute(session: Session, campaign_id: int) -> None:
    campaign = session.get_one(Campaign, campaign_id)
    campaign.campaign_status = CampaignStatus.COMPLETED.value
    session.commit()
    labelled = select(ContactLabel.contact_id).where(ContactLabel.label_id.in_(campaign.label_ids))
    contacts = session.scalars(select(Contact).where(Contact.id.in_(labelled))).all()
    for contact in contacts:
        _reach(session, campaign, contact)
        session.commit()


def _reach(session: Session, campaign: Campaign, contact: Contact) -> None:
    contact_inbox = ContactInbox(
        contact_id=contact.id, inbox_id=campaign.inbox_id, source_id=str(uuid4())
    )
    account = session.get_one(Account, campaign.account_id)
    account.last_conversation_display_id += 1
    session.add(contact_inbox)
    session.flush()
    conversation = Conversation(
        account_id=account.id,
        inbox_id=campaign.inbox_id,
        contact_id=contact.id,
        contact_inbox_id=contact_inbox.id,
        campaign_id=campaign.id,
        display_id=account.last_conversation_display_id,
    )
    session.add(conversation)
    session.flush()
    message = Message(
        account_id=account.id,
        inbox_id=campaign.inbox_id,
        conversation_id=conversation.id,
        content=_written(campaign, contact, conversation),
        message_type=MessageType.OUTGOING.value,
        additional_attributes={"campaign_id": campaign.id},
    )
    session.add(message)
    session.flush()
    _tell(session, campaign, contact, contact_inbox, conversation, message)


def _written(campaign: Campaign, contact: Contact, conversation: Conversation) -> str:
    around = Surroundings(_plain(campaign.account), _plain(campaign.inbox), None)
    template = MessageTemplate(campaign.message)
    return template.render(_columns(contact), conversation.display_id, around)


def _tell(
    session: Session,
    campaign: Campaign,
    contact: Contact,
    contact_inbox: ContactInbox,
    conversation: Conversation,
    message: Message,
) -> None:
    opening = Opening(
        account=_plain(campaign.account),
        inbox=_plain(campaign.inbox),
        channel="Channel::Api",
        sender=None,
        campaign_id=campaign.id,
        at=conversation.created_at,
    )
    opened = Opened(
        contact=_columns(contact),
        contact_inbox_id=contact_inbox.id,
        source_id=contact_inbox.source_id,
        contact_inbox_created_at=contact_inbox.created_at,
        conversation_id=conversation.display_id,
        message_id=message.id,
        content=message.content,
    )
    endpoints = session.scalars(
        select(WebhookEndpoint).where(WebhookEndpoint.account_id == campaign.account_id)
    ).all()
    for event_type, payload in opening.payloads(opened).items():
        event = _event(campaign, conversation, event_type, payload)
        session.add(event)
        session.flush()
        for endpoint in endpoints:
            session.add(
                WebhookDelivery(
                    account_id=campaign.account_id, event_id=event.id, endpoint_id=endpoint.id
                )
            )


def _event(
    campaign: Campaign, conversation: Conversation, event_type: str, payload: str
) -> WebhookEvent:
    return WebhookEvent(
        account_id=campaign.account_id,
        campaign_id=campaign.id,
        conversation_id=conversation.id,
        uid=f"msg_{token_hex(16)}",
        type=event_type,
        payload=payload,
    )


def _plain(row: object) -> dict[str, object]:
    return {"id": row.id, "name": row.name}  # type: ignore[attr-defined]


def _columns(contact: Contact) -> dict[str, object]:
    return {column.key: getattr(contact, column.key) for column in Contact.__table__.columns}
