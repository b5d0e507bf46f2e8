"""Whom a campaign reaches, and for which one reason somebody is left out."""

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.audience import (
    exclusion_reasons,
    recipient_rows,
    screened_contacts,
)
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import ContactLabel
from campaigns_app.inboxes.models import Inbox
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_label,
    make_suppression,
)


def channel_of(campaign: Campaign) -> Channel:
    return get_channels().get(campaign.inbox.inbox_type)


def screened(session: Session, campaign: Campaign) -> dict[int, str | None]:
    rows = session.execute(
        screened_contacts(matched_contacts(Selection.of(campaign)), channel_of(campaign))
    )
    return {row[0]: row[1] for row in rows}


def test_the_first_reason_that_holds_is_the_one(session: Session, account: Account) -> None:
    label = make_label(account)
    contact = make_contact(account, label, blocked=True)
    make_suppression(account, contact.phone_number)

    assert screened(session, make_campaign(account, label)) == {contact.id: "blocked"}


@pytest.mark.parametrize("key", ["phone_number", "email"])
def test_one_suppressed_address_is_enough(session: Session, account: Account, key: str) -> None:
    label = make_label(account)
    contact = make_contact(account, label)
    make_suppression(account, getattr(contact, key))

    assert screened(session, make_campaign(account, label)) == {contact.id: "opted_out"}


def test_two_suppressed_addresses_make_one_recipient(session: Session, account: Account) -> None:
    label = make_label(account)
    contact = make_contact(account, label)
    make_suppression(account, contact.phone_number)
    make_suppression(account, contact.email)
    campaign = make_campaign(account, label)

    rows = session.execute(recipient_rows(campaign, channel_of(campaign))).all()

    assert [tuple(row) for row in rows] == [(contact.id, "skipped", "opted_out")]


def test_what_another_account_suppresses_does_not_count(session: Session, account: Account) -> None:
    label = make_label(account)
    contact = make_contact(account, label)
    make_suppression(make_account(), contact.phone_number)

    assert screened(session, make_campaign(account, label)) == {contact.id: None}


def test_a_channel_by_phone_needs_a_number(
    session: Session, account: Account, phone_inbox: Inbox
) -> None:
    label = make_label(account)
    without = make_contact(account, label, phone_number=None)
    invalid = make_contact(account, label, phone_number="0800 FLOWERS")
    fine = make_contact(account, label)

    campaign = make_campaign(account, label, inbox_id=phone_inbox.id)

    assert screened(session, campaign) == {
        without.id: "no_phone",
        invalid.id: "invalid_phone",
        fine.id: None,
    }


def test_one_number_is_written_to_once(
    session: Session, account: Account, phone_inbox: Inbox
) -> None:
    label = make_label(account)
    first = make_contact(account, label, phone_number="+1 415 555 0100")
    second = make_contact(account, label, phone_number="+14155550100")
    third = make_contact(account, label, phone_number="+1415 5550100")

    campaign = make_campaign(account, label, inbox_id=phone_inbox.id)

    assert screened(session, campaign) == {
        first.id: None,
        second.id: "duplicate_phone",
        third.id: "duplicate_phone",
    }


def test_who_is_left_out_anyway_takes_nobodys_number(
    session: Session, account: Account, phone_inbox: Inbox
) -> None:
    label = make_label(account)
    make_contact(account, phone_number="+1 4155550100")
    blocked = make_contact(account, label, phone_number="+1 415 555 0100", blocked=True)
    second = make_contact(account, label, phone_number="+14155550100")

    campaign = make_campaign(account, label, inbox_id=phone_inbox.id)

    assert screened(session, campaign) == {blocked.id: "blocked", second.id: None}


def test_in_a_conversation_the_same_number_is_no_matter(session: Session, account: Account) -> None:
    label = make_label(account)
    contacts = [make_contact(account, label, phone_number=n) for n in ("+1 415", "+1415")]

    assert screened(session, make_campaign(account, label)) == dict.fromkeys(
        contact.id for contact in contacts
    )


def test_the_reasons_are_told_in_the_order_they_are_asked(
    account: Account, phone_inbox: Inbox
) -> None:
    assert exclusion_reasons(get_channels().get("API")) == ["blocked", "opted_out"]
    assert exclusion_reasons(get_channels().get("Phone")) == [
        "blocked",
        "opted_out",
        "no_phone",
        "invalid_phone",
        "duplicate_phone",
    ]


@pytest.mark.parametrize("name", ["Twilio SMS", "Sms", "Whatsapp"])
def test_no_two_contacts_compete_for_what_the_database_keeps_unique(
    session: Session, account: Account, name: str
) -> None:
    label = make_label(account)
    make_contact(account, label, phone_number="+14155550100")
    matched = matched_contacts(Selection(account.id, (label.id,)))

    with pytest.raises(IntegrityError):
        make_contact(account, label, phone_number="+14155550100")
    session.rollback()

    assert "duplicate_phone" not in exclusion_reasons(get_channels().get(name))
    assert "row_number" not in str(screened_contacts(matched, get_channels().get(name)))


def test_a_contact_with_several_labels_is_one(session: Session, account: Account) -> None:
    labels = [make_label(account) for _ in range(3)]
    contact = make_contact(account, *labels)
    campaign = make_campaign(account, *labels)

    rows = session.execute(recipient_rows(campaign, channel_of(campaign))).all()

    assert [tuple(row) for row in rows] == [(contact.id, "pending", None)]
    assert session.query(ContactLabel).count() == 3
