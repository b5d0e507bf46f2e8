"""An inbox whose messages are refused afterwards, on its own account, is halted."""

from collections.abc import Iterator, Mapping

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.receipt_jobs import process_receipts
from campaigns_app.channels.bandwidth_sms import BandwidthSmsChannel
from campaigns_app.channels.provider import EventKind, ProviderChannel
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.channels.verdicts import Verdict, pause, permanent
from campaigns_app.channels.whatsapp import WhatsappChannel
from campaigns_app.inboxes.halting import resume_inbox
from campaigns_app.inboxes.models import Inbox
from tests.campaigns.telling import TellingChannel, event, keep, only_channel, recipients_of, send

VERDICTS: Mapping[str, Verdict] = {
    "spam": pause("taken for spam"),
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


@pytest.mark.parametrize("between", ["delivered", "gone"])
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
        (WhatsappChannel, {"131048", "368", "131031", "132015", "132016", "131042"}),
    ],
)
def test_the_providers_codes_that_stop_everything_are_among_them(
    channel_type: type[ProviderChannel], codes: set[str]
) -> None:
    stopping = {code for code, one in channel_type.verdicts.items() if one == pause(one.meaning)}

    assert codes <= stopping
