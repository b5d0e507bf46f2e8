"""Why a contact is in a campaign or not."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.campaigns.why import MOST_FOUND, Answer, Findings, Verdict, explain_contacts
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import Contact, ContactLabel, Label
from campaigns_app.inboxes.models import Inbox
from tests.factories import (
    LONG_AGO,
    make_account,
    make_campaign,
    make_contact,
    make_label,
    make_suppression,
)
from tests.statements import CountQueries


@pytest.fixture
def label(account: Account) -> Label:
    """The label of the audience."""
    return make_label(account, "vip")


@pytest.fixture
def campaign(account: Account, label: Label) -> Campaign:
    """A campaign that has not started."""
    return make_campaign(account, label)


def search(session: Session, campaign: Campaign, text: str) -> Findings:
    channel = get_channels().get(campaign.inbox.inbox_type)
    return explain_contacts(session, campaign, channel, text)


def ask(session: Session, campaign: Campaign, contact: Contact) -> Verdict:
    (verdict,) = search(session, campaign, contact.email or "").verdicts
    assert verdict.contact is contact
    return verdict


def start(session: Session, campaign: Campaign) -> None:
    start_campaign(session, get_channels(), campaign.id, 100)


def test_who_will_be_messaged_is_in(
    session: Session, account: Account, label: Label, campaign: Campaign
) -> None:
    verdict = ask(session, campaign, make_contact(account, label))

    assert (verdict.answer, verdict.is_in, verdict.labels) == (Answer.WILL_SEND, True, ["vip"])


def test_who_carries_no_label_is_not_in(
    session: Session, account: Account, campaign: Campaign
) -> None:
    verdict = ask(session, campaign, make_contact(account, make_label(account)))

    assert (verdict.answer, verdict.is_in, list(verdict.labels)) == (Answer.NOT_MATCHED, False, [])


def test_who_is_blocked_is_left_out(
    session: Session, account: Account, label: Label, campaign: Campaign
) -> None:
    verdict = ask(session, campaign, make_contact(account, label, blocked=True))

    assert (verdict.answer, verdict.reason, verdict.is_in) == (Answer.LEFT_OUT, "blocked", False)


def test_a_suppression_is_named_with_its_source_and_time(
    session: Session, account: Account, label: Label, campaign: Campaign
) -> None:
    contact = make_contact(account, label)
    make_suppression(account, contact.email, source="unsubscribe", created_at=LONG_AGO)
    make_suppression(make_account(), contact.phone_number)

    verdict = ask(session, campaign, contact)

    assert verdict.reason == "opted_out"
    facts = [(one.address, one.source, one.created_at) for one in verdict.suppressions]
    assert facts == [(contact.email, "unsubscribe", LONG_AGO)]


@pytest.mark.parametrize("is_started", [False, True])
def test_a_duplicate_names_whose_it_is(
    session: Session, account: Account, label: Label, phone_inbox: Inbox, is_started: bool
) -> None:
    make_contact(account, phone_number="+1 4155550100")
    first = make_contact(account, label, phone_number="+1 415 5550100", name="Ada")
    second = make_contact(account, label, phone_number="+14155550100")
    campaign = make_campaign(account, label, inbox_id=phone_inbox.id)
    if is_started:
        start(session, campaign)

    verdict = ask(session, campaign, second)

    assert (verdict.reason, verdict.twin) == ("duplicate_phone", (first.id, "Ada"))
    assert ask(session, campaign, first).twin is None


def test_after_the_start_the_ledger_answers(
    session: Session,
    account: Account,
    label: Label,
    campaign: Campaign,
    carry_out: Callable[[Campaign], None],
) -> None:
    contact = make_contact(account, label)
    carry_out(campaign)
    contact.blocked = True
    session.commit()

    verdict = ask(session, campaign, contact)

    assert (verdict.answer, verdict.is_in, verdict.reason) == (Answer.RECIPIENT, True, None)
    assert verdict.recorded is not None
    assert verdict.recorded.recipient.state == "sent"
    assert verdict.recorded.recipient.sent_at is not None
    assert verdict.recorded.conversation_display_id == 1


def test_who_was_skipped_is_told_the_reason_of_then(
    session: Session, account: Account, label: Label, campaign: Campaign
) -> None:
    contact = make_contact(account, label, blocked=True)
    start(session, campaign)
    contact.blocked = False
    session.commit()

    verdict = ask(session, campaign, contact)

    assert (verdict.answer, verdict.reason, verdict.is_in) == (Answer.RECIPIENT, "blocked", False)


def test_who_got_the_label_after_the_start_is_told_so(
    session: Session, account: Account, label: Label, campaign: Campaign
) -> None:
    contact = make_contact(account, created_at=LONG_AGO)
    start(session, campaign)
    session.add(ContactLabel(account_id=account.id, contact_id=contact.id, label_id=label.id))
    session.commit()

    assert ask(session, campaign, contact).answer is Answer.MATCHED_LATER


def test_who_was_created_after_the_start_is_told_so(
    session: Session, account: Account, label: Label, campaign: Campaign
) -> None:
    start(session, campaign)
    assert campaign.started_at is not None
    contact = make_contact(account, label, created_at=campaign.started_at + timedelta(hours=1))

    assert ask(session, campaign, contact).answer is Answer.CREATED_LATER


def test_who_lost_the_label_after_the_start_stays_in(
    session: Session, account: Account, label: Label, campaign: Campaign
) -> None:
    contact = make_contact(account, label)
    start(session, campaign)
    session.execute(delete(ContactLabel))
    session.commit()

    assert ask(session, campaign, contact).is_in


@pytest.mark.parametrize(
    "values", [{"cancelled_at": LONG_AGO}, {"campaign_status": 1, "failure": "The inbox is gone"}]
)
def test_a_campaign_that_never_started_reached_nobody(
    session: Session, account: Account, label: Label, values: dict[str, object]
) -> None:
    campaign = make_campaign(account, label, **values)

    assert ask(session, campaign, make_contact(account, label)).answer is Answer.NEVER_STARTED


def test_a_deleted_contact_is_found_by_its_id(
    session: Session, account: Account, label: Label, campaign: Campaign
) -> None:
    contact = make_contact(account, label)
    start(session, campaign)
    contact_id = contact.id
    session.delete(contact)
    session.commit()

    (verdict,) = search(session, campaign, f"#{contact_id}").verdicts

    assert (verdict.contact_id, verdict.contact) == (contact_id, None)
    assert verdict.answer is Answer.RECIPIENT


@pytest.mark.parametrize("key", ["name", "phone_number", "email", "identifier", "id"])
def test_a_contact_is_found_by_whatever_it_is_known_by(
    session: Session, account: Account, campaign: Campaign, key: str
) -> None:
    contact = make_contact(account, name="Ada Lovelace", identifier="crm-7")

    assert contact.id in {
        verdict.contact_id
        for verdict in search(session, campaign, str(getattr(contact, key))).verdicts
    }


def test_an_exact_address_comes_first(
    session: Session, account: Account, campaign: Campaign
) -> None:
    make_contact(account, email="jada@example.com")
    exact = make_contact(account, email="ada@example.com")

    verdicts = search(session, campaign, "Ada@example.com").verdicts

    assert verdicts[0].contact_id == exact.id
    assert len(verdicts) == 2


def test_too_many_are_cut_off_and_said_to_be(
    session: Session, account: Account, campaign: Campaign
) -> None:
    for _ in range(MOST_FOUND + 1):
        make_contact(account, name="Smith")

    findings = search(session, campaign, "smith")

    assert (len(findings.verdicts), findings.has_more) == (MOST_FOUND, True)


@pytest.mark.parametrize("text", ["", "  ", "\x00", "\ud800", "9" * 30, "%", "nobody"])
def test_what_means_nobody_finds_nobody(
    session: Session, account: Account, campaign: Campaign, text: str
) -> None:
    make_contact(account, name="Ada")

    assert search(session, campaign, text) == Findings((), False)


def test_nobody_of_another_account_is_found(session: Session, campaign: Campaign) -> None:
    stranger = make_contact(make_account(), name="Stranger")

    assert search(session, campaign, "Stranger").verdicts == ()
    assert search(session, campaign, str(stranger.id)).verdicts == ()


def test_many_cost_as_many_queries_as_one(
    session: Session,
    account: Account,
    label: Label,
    campaign: Campaign,
    count_queries: CountQueries,
) -> None:
    make_contact(account, label, name="Smith")
    one = count_queries(lambda: search(session, campaign, "smith"))
    for _ in range(5):
        make_contact(account, label, name="Smith")

    assert count_queries(lambda: search(session, campaign, "smith")) == one
