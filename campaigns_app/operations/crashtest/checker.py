"""Reading the whole history, and comparing it with what was promised.

It asks the tables themselves and uses nothing of the engine: a fault that the engine and its own
report had in common would otherwise go unseen.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import add

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.contacts.models import Contact, ContactLabel
from campaigns_app.conversations.models import ContactInbox, Conversation, Message
from campaigns_app.operations.crashtest.checking_calls import check_calls
from campaigns_app.operations.crashtest.history import History
from campaigns_app.operations.crashtest.promise import Check, Promise, count, none, repeated
from campaigns_app.operations.demo.receiver import Webhook
from campaigns_app.webhooks.events import OPENING_EVENTS
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEvent
from campaigns_app.webhooks.states import DeliveryState

NOT_FINAL = (RecipientState.PENDING, RecipientState.SENDING)


def check(session: Session, history: History) -> list[Promise]:
    """Every promise there is, in a database in which nothing happens any more. Does not write."""
    checks = CHECKS if history.calls is None else (*COMMON_CHECKS, check_calls)
    return [promise for part in checks for promise in part(session, history)]


def check_campaigns(session: Session, history: History) -> Iterator[Promise]:
    """That each campaign was made once, and carried out."""
    made = select(Campaign.id)
    finished = made.where(Campaign.finished_at.is_not(None), Campaign.failure.is_(None))
    yield Promise("campaigns, one for each request", history.campaigns, count(session, made))
    yield Promise("campaigns finished", history.campaigns, count(session, finished))


def check_ledger(session: Session, history: History) -> Iterator[Promise]:
    """That everybody is in it once, in a final state, and that it adds up."""
    audience = select(Contact.id).where(_is_in_audience(history, Contact.id))
    recipients = select(CampaignRecipient.contact_id)
    pair = (CampaignRecipient.campaign_id, CampaignRecipient.contact_id)
    state = CampaignRecipient.state
    yield Promise(
        "recipients, everybody in the audience",
        history.campaigns * count(session, audience),
        count(session, select(*pair).distinct()),
    )
    yield Promise("recipients too many", 0, repeated(session, *pair))
    yield none(
        session,
        "recipients outside the audience",
        recipients.where(~_is_in_audience(history, CampaignRecipient.contact_id)),
    )
    yield none(session, "recipients in no final state", recipients.where(state.in_(NOT_FINAL)))
    yield Promise(
        "recipients in the batches' totals",
        count(session, recipients),
        session.scalars(select(func.coalesce(func.sum(CampaignBatch.total), 0))).one(),
    )
    yield none(session, "batches whose states do not sum to their total", _unsummed_batches())
    yield none(session, "batches that count what the ledger does not have", _miscounted_batches())


def check_conversations(session: Session, history: History) -> Iterator[Promise]:
    """That nobody was lost, and nobody written to twice."""
    reachable = select(Contact.id).where(
        _is_in_audience(history, Contact.id), Contact.blocked.is_(False)
    )
    pair = (Conversation.campaign_id, Conversation.contact_id)
    reached = select(*pair).where(Conversation.contact_id.in_(reachable)).distinct()
    due = history.campaigns * count(session, reachable)
    sent = select(CampaignRecipient.contact_id).where(
        CampaignRecipient.state == RecipientState.SENT,
    )
    yield Promise("recipients lost", 0, due - count(session, reached))
    yield Promise("recipients written to twice", 0, repeated(session, *pair))
    yield Promise(
        "conversations, one for each recipient sent",
        count(session, sent),
        count(session, select(Conversation.id)),
    )
    yield none(
        session,
        "conversations with somebody not sent",
        select(Conversation.id).where(
            ~sent.where(
                CampaignRecipient.campaign_id == Conversation.campaign_id,
                CampaignRecipient.contact_id == Conversation.contact_id,
            ).exists()
        ),
    )


def check_messages(session: Session, history: History) -> Iterator[Promise]:
    """That each conversation has its one message, and each contact inbox belongs to somebody."""
    contact_inboxes = (ContactInbox.contact_id, ContactInbox.inbox_id)
    yield none(
        session,
        "conversations without a message",
        select(Conversation.id).where(~exists().where(Message.conversation_id == Conversation.id)),
    )
    yield Promise("messages too many", 0, repeated(session, Message.conversation_id))
    yield Promise("contact inboxes too many", 0, repeated(session, *contact_inboxes))
    yield none(
        session,
        "contact inboxes without a conversation",
        select(ContactInbox.id).where(
            ~exists().where(Conversation.contact_inbox_id == ContactInbox.id)
        ),
    )


def check_webhooks(session: Session, history: History) -> Iterator[Promise]:
    """That every event was told at least once, under its one id, and nothing else was."""
    conversations = count(session, select(Conversation.id))
    events = select(WebhookEvent.conversation_id, WebhookEvent.type).where(
        exists().where(Conversation.id == WebhookEvent.conversation_id)
    )
    pair = (WebhookEvent.conversation_id, WebhookEvent.type)
    outbox = _outbox(session)
    yield Promise(
        "events, each kind for each conversation",
        len(OPENING_EVENTS) * conversations,
        count(session, events.distinct()),
    )
    yield Promise("events too many", 0, repeated(session, *pair))
    yield none(
        session,
        "webhooks not delivered",
        select(WebhookDelivery.id).where(WebhookDelivery.state != DeliveryState.DELIVERED),
    )
    yield Promise("events that never arrived", 0, len(outbox - history.arrivals.keys()))
    yield Promise("arrivals unknown to the outbox", 0, len(history.arrivals.keys() - outbox))
    in_batches = history.arrivals_in_batches.keys()
    yield Promise("events that never arrived, in batches", 0, len(outbox - in_batches))
    yield Promise("arrivals unknown to the outbox, in batches", 0, len(in_batches - outbox))
    yield Promise("arrivals with a wrong signature", 0, history.refused)


COMMON_CHECKS: tuple[Check, ...] = (check_campaigns, check_ledger)
CHECKS: tuple[Check, ...] = (
    *COMMON_CHECKS,
    check_conversations,
    check_messages,
    check_webhooks,
)


def _is_in_audience(
    history: History, contact_id: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    return exists().where(
        ContactLabel.label_id == history.label_id, ContactLabel.contact_id == contact_id
    )


def _unsummed_batches() -> Select[int]:
    states = reduce(add, _counters().values())
    return select(CampaignBatch.id).where(states != CampaignBatch.total)


def _miscounted_batches() -> Select[int]:
    """Batches with a counter that is not the number of their recipients in that state."""
    counted = {
        state: func.coalesce(func.sum(case((CampaignRecipient.state == state, 1), else_=0)), 0)
        for state in RecipientState
    }
    of_batch = and_(
        CampaignRecipient.campaign_id == CampaignBatch.campaign_id,
        CampaignRecipient.contact_id.between(
            CampaignBatch.first_contact_id, CampaignBatch.last_contact_id
        ),
    )
    differs = [counter != counted[state] for state, counter in _counters().items()]
    return (
        select(CampaignBatch.id)
        .outerjoin(CampaignRecipient, of_batch)
        .group_by(CampaignBatch.id)
        .having(or_(*differs))
    )


def _counters() -> Mapping[RecipientState, InstrumentedAttribute[int]]:
    return {state: getattr(CampaignBatch, state.value) for state in RecipientState}


def _outbox(session: Session) -> set[Webhook]:
    rows = session.execute(
        select(WebhookEvent.uid, WebhookEvent.payload).execution_options(yield_per=1000)
    )
    return {Webhook.of(uid, payload.encode()) for uid, payload in rows}
