"""Whoever WhatsApp knows by another spelling of the number is obeyed, and not written to either."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.campaigns.receipts import process_block
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.channels.provider import Account as ProviderAccount
from campaigns_app.channels.provider import EventKind
from campaigns_app.channels.registry import get_channels
from campaigns_app.channels.whatsapp import WhatsappChannel
from campaigns_app.contacts.models import Contact, Suppression
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.callbacks import CalledInbox, keep_events
from campaigns_app.inboxes.models import Inbox
from tests.campaigns.telling import event
from tests.factories import make_campaign, make_contact, make_inbox, make_label, make_template

CHANNEL = WhatsappChannel()
WAMID = "wamid.1"

spelt_in_two_ways = pytest.mark.parametrize(
    ("number", "wa_id"),
    [
        ("+5511987654321", "+551187654321"),
        ("+551187654321", "+5511987654321"),
        ("+525512345678", "+5215512345678"),
        ("+541123456789", "+5491123456789"),
    ],
)


@pytest.fixture
def inbox(account: Account) -> Inbox:
    """An inbox that sends templates."""
    inbox = make_inbox(account, inbox_type=CHANNEL.name)
    make_template(inbox)
    return inbox


def send(session: Session, account: Account, inbox: Inbox, number: str) -> Contact:
    """Somebody to whom a campaign was sent."""
    label = make_label(account)
    contact = make_contact(account, label, phone_number=number)
    template = {
        "name": "summer_sale",
        "language": "en_US",
        "processed_params": {"body": {"1": "x"}},
    }
    campaign = make_campaign(account, label, inbox_id=inbox.id, template_params=template)
    start_campaign(session, get_channels(), campaign.id, 10)
    session.execute(
        update(CampaignRecipient).values(
            state="sent", sent_at=utcnow(), attempts=1, provider_message_id=WAMID
        )
    )
    session.commit()
    return contact


def tell(session: Session, inbox: Inbox, kind: EventKind, key: str, **values: str) -> None:
    called = CalledInbox(inbox.id, inbox.account_id, CHANNEL, ProviderAccount({}, {}, ""))
    keep_events(session, called, [event(kind, key, **values)], b"{}")
    process_block(session)


def reasons(session: Session, account: Account) -> set[str | None]:
    rows = session.execute(screened_contacts(Contact.account_id == account.id, CHANNEL))
    return {row[1] for row in rows}


@spelt_in_two_ways
def test_a_reply_is_that_of_the_contact(
    session: Session, account: Account, inbox: Inbox, number: str, wa_id: str
) -> None:
    send(session, account, inbox, number)

    tell(session, inbox, EventKind.REPLIED, "1", address=wa_id, text="Thanks!")

    session.expire_all()
    (recipient,) = session.scalars(select(CampaignRecipient))
    assert recipient.replied_at is not None
    assert session.scalars(select(Suppression)).all() == []


@spelt_in_two_ways
def test_stop_stops_the_contact_and_start_starts_again(
    session: Session, account: Account, inbox: Inbox, number: str, wa_id: str
) -> None:
    make_contact(account, phone_number=number)

    tell(session, inbox, EventKind.REPLIED, "1", address=wa_id, text="STOP")
    stopped = reasons(session, account)
    tell(session, inbox, EventKind.REPLIED, "2", address=wa_id, text="START")

    assert (stopped, reasons(session, account)) == ({"opted_out"}, {None})
    assert session.scalars(select(Suppression)).all() == []


@pytest.mark.parametrize("wa_id", ["+551187654321", "+351912345678"])
def test_who_is_known_by_the_message_is_stopped_by_the_contacts_own_number(
    session: Session, account: Account, inbox: Inbox, wa_id: str
) -> None:
    send(session, account, inbox, "+5511987654321")

    tell(session, inbox, EventKind.OPTED_OUT, "1", address=wa_id, provider_message_id=WAMID)

    assert reasons(session, account) == {"opted_out"}
    assert wa_id in session.scalars(select(Suppression.address)).all()


def test_of_two_contacts_with_one_telephone_the_last_written_to_has_answered(
    session: Session, account: Account, inbox: Inbox
) -> None:
    send(session, account, inbox, "+551187654321")
    last = send(session, account, inbox, "+5511987654321")

    tell(session, inbox, EventKind.REPLIED, "1", address="+5511987654321", text="Thanks!")

    session.expire_all()
    rows = session.scalars(select(CampaignRecipient))
    assert {one.contact_id for one in rows if one.replied_at} == {last.id}
