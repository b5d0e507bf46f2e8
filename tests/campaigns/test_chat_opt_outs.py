"""Who tells a Telegram bot to stop is known by a chat's id only, and is not written to either."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.receipts import process_block
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.campaigns.why import explain_contacts
from campaigns_app.channels.provider import Account as ProviderAccount
from campaigns_app.channels.provider import EventKind, ProviderEvent, Suppress
from campaigns_app.channels.registry import get_channels
from campaigns_app.channels.telegram import ATTRIBUTE, TelegramChannel
from campaigns_app.contacts.models import Contact, Label, Suppression
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.callbacks import CalledInbox, keep_events
from campaigns_app.inboxes.models import Inbox
from tests.factories import make_campaign, make_contact, make_inbox, make_label, make_suppression

CHANNEL = TelegramChannel()
CHAT = 4915123456789
"""A chat's id that could be a telephone number."""


@pytest.fixture
def label(account: Account) -> Label:
    """The audience."""
    return make_label(account)


@pytest.fixture
def inbox(account: Account) -> Inbox:
    """A bot."""
    return make_inbox(account, inbox_type=CHANNEL.name)


def make_chatter(account: Account, label: Label, chat: Any, **values: Any) -> Contact:
    return make_contact(account, label, custom_attributes={ATTRIBUTE: chat}, **values)


def tell(session: Session, inbox: Inbox, kind: EventKind, text: str = "") -> None:
    called = CalledInbox(inbox.id, inbox.account_id, CHANNEL, ProviderAccount({}, {}, ""))
    event = ProviderEvent(f"{kind}", kind, utcnow(), address=str(CHAT), text=text)
    keep_events(session, called, [event], b"{}")
    process_block(session)


def reasons(session: Session, account: Account) -> dict[int, str | None]:
    rows = session.execute(screened_contacts(Contact.account_id == account.id, CHANNEL))
    return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize("chat", [CHAT, str(CHAT)], ids=["as a number", "as text"])
@pytest.mark.parametrize(
    ("kind", "text"), [(EventKind.OPTED_OUT, ""), (EventKind.REPLIED, "Stop!")]
)
def test_who_said_stop_to_the_bot_is_left_out(
    session: Session,
    account: Account,
    label: Label,
    inbox: Inbox,
    chat: Any,
    kind: EventKind,
    text: str,
) -> None:
    quiet, other = make_chatter(account, label, chat), make_chatter(account, label, "5")

    tell(session, inbox, kind, text)

    assert reasons(session, account) == {quiet.id: "opted_out", other.id: None}


def test_who_lets_the_bot_in_again_is_written_to(
    session: Session, account: Account, label: Label, inbox: Inbox
) -> None:
    contact = make_chatter(account, label, CHAT)
    tell(session, inbox, EventKind.OPTED_OUT)

    tell(session, inbox, EventKind.OPTED_IN)

    assert reasons(session, account) == {contact.id: None}


def test_the_number_that_a_chats_id_looks_like_is_somebody_elses(
    session: Session, account: Account, label: Label, inbox: Inbox
) -> None:
    stranger = make_chatter(account, label, "5", phone_number=f"+{CHAT}")

    tell(session, inbox, EventKind.OPTED_OUT)

    assert session.scalars(select(Suppression.address)).all() == [f"telegram:{CHAT}"]
    assert reasons(session, account) == {stranger.id: None}


def test_who_says_stop_after_the_start_is_skipped_right_before_sending(
    session: Session,
    account: Account,
    label: Label,
    inbox: Inbox,
    keys: list[str],
) -> None:
    make_chatter(account, label, CHAT)
    campaign = make_campaign(account, label, inbox_id=inbox.id)
    start_campaign(session, get_channels(), campaign.id, 10)
    tell(session, inbox, EventKind.OPTED_OUT)

    deliver_provider_batches()

    session.expire_all()
    (recipient,) = session.scalars(select(CampaignRecipient))
    assert (recipient.state, recipient.reason) == ("skipped", "opted_out")


@pytest.mark.parametrize("chat", [CHAT, str(CHAT)], ids=["as a number", "as text"])
def test_a_reply_is_an_answer_to_the_last_message_to_the_chat(
    session: Session, account: Account, label: Label, inbox: Inbox, keys: list[str], chat: Any
) -> None:
    asked = make_chatter(account, label, chat)
    make_chatter(account, label, "5", phone_number=f"+{CHAT}")
    campaign = make_campaign(account, label, inbox_id=inbox.id)
    start_campaign(session, get_channels(), campaign.id, 10)
    session.execute(update(CampaignRecipient).values(state="sent", sent_at=utcnow()))
    session.commit()

    tell(session, inbox, EventKind.REPLIED, "Thank you")

    session.expire_all()
    rows = session.scalars(select(CampaignRecipient))
    answered = {one.contact_id for one in rows if one.replied_at}
    assert answered == {asked.id}


def test_why_names_the_chats_suppression(
    session: Session, account: Account, label: Label, inbox: Inbox
) -> None:
    contact = make_chatter(account, label, CHAT)
    made = make_suppression(account, f"telegram:{CHAT}")
    campaign = make_campaign(account, label, inbox_id=inbox.id)

    (verdict,) = explain_contacts(session, campaign, CHANNEL, str(contact.id)).verdicts

    assert (verdict.reason, list(verdict.suppressions)) == ("opted_out", [made])


def test_a_provider_that_refuses_a_chat_is_remembered_by_its_kind() -> None:
    assert CHANNEL.suppressible("47") == "telegram:47"
    assert CHANNEL.verdicts["403 blocked"].kind is Suppress
