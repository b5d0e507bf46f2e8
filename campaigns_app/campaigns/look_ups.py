"""Asking providers about messages of which nobody knows whether they went out.

A callback tells in most cases. Whoever is still `unknown` some minutes later is asked for once;
when the provider does not know of the message either, it is left to a person. Nothing is ever sent
again here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.calls import Prepared
from campaigns_app.campaigns.delivery import surroundings_of
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.provider_messages import MessageWriter
from campaigns_app.campaigns.sending_ledger import RECIPIENT_COLUMNS, RecipientRow
from campaigns_app.campaigns.standing import Standing, advance
from campaigns_app.campaigns.standings import lock_recipients, write_standings
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.campaigns.taken_messages import find_taken
from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    Outcome,
    OutgoingMessage,
    ProviderChannel,
    Receipt,
    Retry,
    Suppress,
    Unknown,
)
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import Contact
from campaigns_app.contacts.suppressing import suppress_addresses
from campaigns_app.database.clock import database_now
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InboxUnusable
from campaigns_app.http_client import HttpClient
from campaigns_app.inboxes.halting import halt_inbox
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.provider_account import account_of

ASKED_AFTER_SECONDS = 5 * 60
"""A callback may still come; a provider that was busy has caught up."""

ASKED_FOR_SECONDS = 3 * 24 * 3600
"""Campaigns that started longer ago are not asked about any more."""

ASKED_AT_ONCE = 200
NOT_FOUND = "the provider knows of no such message"
TAKEN = "the message that the provider names is somebody else's"
NO_MESSAGE = "the contact has changed, so that the provider cannot be asked"


@dataclass(frozen=True, slots=True)
class Questions:
    """Messages of one campaign to ask about, by the rows of the ledger; None where there is none
    to ask with."""

    account_id: int
    channel: ProviderChannel
    account: Account
    since: datetime
    messages: Mapping[int, OutgoingMessage | None]


Answer = Receipt | Outcome | None
"""What came of a question: the receipt, why there is none, or that the message is not known."""


def answering_types() -> list[str]:
    """The types of inboxes whose provider can be asked."""
    return [
        one.name
        for one in get_channels()
        if isinstance(one, ProviderChannel) and type(one).look_up is not ProviderChannel.look_up
    ]


def questionable_campaigns(inbox_types: Collection[str]) -> Select[int]:
    """A campaign in which somebody is to be asked about, if there is one."""
    return (
        select(Campaign.id)
        .join(CampaignBatch, CampaignBatch.campaign_id == Campaign.id)
        .join(Inbox, Inbox.id == Campaign.inbox_id)
        .where(
            CampaignBatch.unknown > 0,
            Campaign.started_at > database_now(-ASKED_FOR_SECONDS),
            Inbox.inbox_type.in_(inbox_types),
            Inbox.halted_at.is_(None),
            exists().where(
                _is_open(),
                CampaignRecipient.campaign_id == CampaignBatch.campaign_id,
                CampaignRecipient.contact_id.between(
                    CampaignBatch.first_contact_id, CampaignBatch.last_contact_id
                ),
            ),
        )
        .limit(1)
    )


def read_questions(session: Session, campaign_id: int) -> Questions:
    """What to ask about the campaign's recipients, at most `ASKED_AT_ONCE` of them.

    Ends the transaction. Raises `InboxUnusable`.
    """
    campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
    channel = get_channels().get(campaign.inbox.inbox_type)
    if not isinstance(channel, ProviderChannel):
        raise TypeError(f"channel {channel.name!r} has no provider")
    # A question writes to nobody, at whatever hour.
    writer = MessageWriter(campaign, channel, surroundings_of(campaign), minds_quiet_hours=False)
    account, since = account_of(campaign.inbox), campaign.started_at or campaign.created_at
    rows = session.execute(
        select(*RECIPIENT_COLUMNS)
        .outerjoin(Contact, Contact.id == CampaignRecipient.contact_id)
        .where(CampaignRecipient.campaign_id == campaign_id, _is_open())
        .order_by(CampaignRecipient.contact_id)
        .limit(ASKED_AT_ONCE)
    ).all()
    account_id = campaign.account_id
    session.rollback()
    recipients = map(RecipientRow.of, rows)
    prepared = {one.row_id: writer.prepare(one) for one in recipients}
    messages = {
        row_id: one.message if isinstance(one, Prepared) else None
        for row_id, one in prepared.items()
    }
    return Questions(account_id, channel, account, since, messages)


def halt_unusable(session: Session, campaign_id: int, error: InboxUnusable) -> None:
    """Halt the campaign's inbox, about which nobody is asked from then on. Ends the transaction
    first. Commits."""
    session.rollback()
    halt_inbox(session, session.get_one(Campaign, campaign_id).inbox_id, str(error))
    session.commit()


async def ask(http: HttpClient, questions: Questions, message: OutgoingMessage | None) -> Answer:
    """Ask about one message. Raises nothing that the provider or the channel does wrong."""
    if message is None:
        return Outcome(NO_MESSAGE)
    try:
        return await questions.channel.look_up(http, questions.account, message, questions.since)
    except Outcome as outcome:
        return outcome
    # A channel may be somebody else's.
    except Exception as error:
        return Outcome(f"the channel failed: {type(error).__name__}")


def is_put_off(answer: Answer) -> bool:
    """Whether the provider is to be asked again later."""
    return isinstance(answer, Retry | AccountPause)


def settle_answers(session: Session, questions: Questions, answers: Mapping[int, Answer]) -> None:
    """Write down what the provider said of recipients, by the rows of the ledger, as far as they
    are unknown still. What is somebody else's already was not theirs; who opted out is suppressed.
    Commits."""
    recipients = lock_recipients(session, answers.keys())
    claims = {
        row_id: answer.provider_message_id
        for row_id, answer in answers.items()
        if row_id in recipients and isinstance(answer, Receipt)
    }
    taken = find_taken(session, questions.account_id, claims) if claims else set()
    mistaken = {row_id: Unknown(TAKEN) for row_id, one in claims.items() if one in taken}
    answers = {**answers, **mistaken}
    later = []
    after = {}
    for row_id, recipient in recipients.items():
        answer, before = answers[row_id], recipient.standing
        if before.state != RecipientState.UNKNOWN:
            continue
        if is_put_off(answer):
            later.append(row_id)
        else:
            after[row_id] = _settled(before, answer)
    write_standings(session, recipients, after)
    addresses = _opted_out(questions, {row_id: answers[row_id] for row_id in after})
    suppress_addresses(session, questions.account_id, addresses, source="provider")
    session.execute(
        update(CampaignRecipient)
        .where(CampaignRecipient.id.in_(later))
        .values(updated_at=database_now())
        .execution_options(synchronize_session=False)
    )
    session.commit()


def _opted_out(questions: Questions, answers: Mapping[int, Answer]) -> list[tuple[str, str]]:
    """The addresses, each with a code, that are not to be written to any more."""
    channel, found = questions.channel, []
    for row_id, answer in answers.items():
        message = questions.messages[row_id]
        if message is None or not isinstance(answer, Receipt) or answer.event is None:
            continue
        code = answer.event.code or ""
        verdict = channel.verdicts.get(code)
        if verdict is not None and verdict.kind is Suppress:
            found.append((channel.suppressible(message.to), code))
    return found


def _settled(before: Standing, answer: Answer) -> Standing:
    if isinstance(answer, Receipt):
        now, event = utcnow(), answer.event
        sent = replace(
            before,
            state=RecipientState.SENT.value,
            reason=None,
            error=None,
            provider_code=None,
            provider_message_id=answer.provider_message_id,
            sent_at=before.sent_at or now,
        )
        return sent if event is None else advance(sent, replace(event, at=event.at or now))
    error = NOT_FOUND if answer is None else answer.text
    return replace(before, reason=Reason.LEFT_TO_A_PERSON.value, error=error)


def _is_open() -> ColumnElement[bool]:
    """That nobody knows, that the provider was not asked, and that it is time."""
    return and_(
        CampaignRecipient.state == RecipientState.UNKNOWN,
        CampaignRecipient.reason.in_((Reason.NO_ANSWER, Reason.INTERRUPTED)),
        CampaignRecipient.updated_at <= database_now(-ASKED_AFTER_SECONDS),
    )
