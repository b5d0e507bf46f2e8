"""What refuses messages afterwards, on the inbox's account or the campaign's, stops that."""

from collections.abc import Iterator, Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.control import resume_campaign
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.receipt_jobs import process_receipts
from campaigns_app.campaigns.states import Phase
from campaigns_app.channels.bandwidth_sms import BandwidthSmsChannel
from campaigns_app.channels.provider import EventKind, ProviderChannel
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.channels.verdicts import Verdict, pause, pause_campaign, permanent
from campaigns_app.channels.whatsapp import WhatsappChannel
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.halting import resume_inbox
from campaigns_app.inboxes.models import Inbox
from tests.campaigns.telling import (
    TellingChannel,
    event,
    keep,
    only_channel,
    recipients_of,
    send,
    start,
)
from tests.factories import make_campaign, make_contact, make_label

VERDICTS: Mapping[str, Verdict] = {
    "spam": pause("taken for spam"),
    "template": pause_campaign("the template is disabled"),
    "gone": permanent("no such number"),
}


@pytest.fixture(autouse=True)
def channel(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[TellingChannel]:
    """The only channel there is, with a code that concerns the inbox and one that does not."""
    monkeypatch.setattr(TellingChannel, "verdicts", VERDICTS)
    with only_channel(app) as channel:
        yield channel


def tell(session: Session, campaign: Campaign, *codes: str, first: int = 0) -> None:
    """Tell of one recipient after another why it failed; of `delivered` ones, that."""
    for recipient, code in zip(recipients_of(session, campaign)[first:], codes, strict=False):
        kind = EventKind.DELIVERED if code == "delivered" else EventKind.FAILED
        keep(campaign, event(kind, delivery_id=str(recipient.id), code=code))
        process_receipts()


def halt_reason(session: Session, campaign: Campaign) -> str | None:
    session.rollback()
    inbox = session.get_one(Inbox, campaign.inbox_id, populate_existing=True)
    return inbox.halt_reason if inbox.halted_at is not None else None


def test_three_such_refusals_in_a_row_halt_the_inbox(session: Session) -> None:
    campaign = send(3)

    tell(session, campaign, "spam", "spam")
    before = halt_reason(session, campaign)
    tell(session, campaign, "spam", first=2)

    assert (before, halt_reason(session, campaign)) == (None, "taken for spam (spam)")


def test_told_in_one_block_they_halt_it_as_well(session: Session) -> None:
    campaign = send(3)
    ids = [str(one.id) for one in recipients_of(session, campaign)]
    keep(campaign, *(event(EventKind.FAILED, delivery_id=one, code="spam") for one in ids))

    process_receipts()

    assert halt_reason(session, campaign) == "taken for spam (spam)"


@pytest.mark.parametrize("between", ["delivered", "gone", "template"])
def test_another_end_in_between_begins_the_row_anew(session: Session, between: str) -> None:
    campaign = send(6)

    tell(session, campaign, "spam", "spam", between, "spam", "spam")
    before = halt_reason(session, campaign)
    tell(session, campaign, "spam", first=5)

    assert (before, halt_reason(session, campaign)) == (None, "taken for spam (spam)")


def test_that_a_message_was_sent_on_does_not_interrupt_the_row(session: Session) -> None:
    campaign = send(3)
    for recipient in recipients_of(session, campaign):
        keep(campaign, event(EventKind.SENT, delivery_id=str(recipient.id)))

    tell(session, campaign, "spam", "spam", "spam")

    assert halt_reason(session, campaign) is not None


def test_after_somebody_resumed_it_three_more_are_needed(session: Session) -> None:
    campaign = send(6)
    tell(session, campaign, "spam", "spam", "spam")
    resume_inbox(session, campaign.inbox_id)
    session.commit()

    tell(session, campaign, "spam", "spam", first=3)
    before = halt_reason(session, campaign)
    tell(session, campaign, "spam", first=5)

    assert (before, halt_reason(session, campaign)) == (None, "taken for spam (spam)")


def test_messages_of_nobody_and_other_inboxes_do_not_count(session: Session) -> None:
    campaign, other = send(2), send(2)

    tell(session, campaign, "spam", "spam")
    keep(campaign, event(EventKind.FAILED, delivery_id="999999999", code="spam"))
    tell(session, other, "spam")

    assert halt_reason(session, campaign) is None
    assert halt_reason(session, other) is None


@pytest.mark.parametrize(
    ("channel_type", "codes"),
    [
        (TwilioSmsChannel, {"30007", "30034"}),
        (BandwidthSmsChannel, {"4470", "4770", "4771", "4403", "4431", "4433", "4481", "4795"}),
        (WhatsappChannel, {"131048", "368", "131031", "131042"}),
    ],
)
def test_the_providers_codes_that_stop_everything_are_among_them(
    channel_type: type[ProviderChannel], codes: set[str]
) -> None:
    stopping = {code for code, one in channel_type.verdicts.items() if one == pause(one.meaning)}

    assert codes <= stopping


def pause_reason(session: Session, campaign: Campaign) -> str | None:
    session.rollback()
    session.refresh(campaign)
    return campaign.pause_reason if campaign.phase is Phase.PAUSED else None


def test_refusals_of_what_it_says_pause_the_campaign_and_not_the_inbox(session: Session) -> None:
    campaign, other = start(4), start(1)
    campaign.template_params = {"name": "sale", "language": "de"}
    session.commit()

    tell(session, campaign, "template", "template")
    before = pause_reason(session, campaign)
    tell(session, campaign, "template", first=2)

    assert before is None
    assert pause_reason(session, campaign) == "sale (de): the template is disabled (template)"
    assert halt_reason(session, campaign) is None
    assert pause_reason(session, other) is None


def test_those_of_two_campaigns_are_counted_apart(session: Session) -> None:
    campaign = start(2)
    label = make_label(campaign.account)
    make_contact(campaign.account, label, phone_number="+14155559999")
    other = make_campaign(campaign.account, label, inbox_id=campaign.inbox_id)
    execute_campaign(other.id)

    tell(session, campaign, "template", "template")
    tell(session, other, "template")

    assert [pause_reason(session, one) for one in (campaign, other)] == [None, None]
    assert halt_reason(session, campaign) is None


def test_a_campaign_that_was_resumed_is_paused_after_three_more(
    session: Session, admin_client: FlaskClient, account: Account
) -> None:
    campaign = start(6, account)
    tell(session, campaign, "template", "template", "template")
    page = admin_client.get(f"/campaigns/{campaign.display_id}").text
    resume_campaign(account, campaign.display_id, actor=None, now=utcnow())

    tell(session, campaign, "template", "template", first=3)
    before = (campaign.enabled, campaign.pause_reason)
    tell(session, campaign, "template", first=5)

    assert "the template is disabled (template)" in page
    assert before == (True, None)
    assert pause_reason(session, campaign) == "the template is disabled (template)"


def test_a_campaign_that_is_over_is_left_alone(session: Session) -> None:
    campaign = send(3)

    tell(session, campaign, "template", "template", "template")

    assert pause_reason(session, campaign) is None
    assert campaign.phase is Phase.FINISHED
