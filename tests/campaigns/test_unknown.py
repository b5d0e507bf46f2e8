"""Who is unknown is asked about once, and then left to a person; nothing is ever sent again."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AuditEntry, User
from campaigns_app.campaigns import look_up_jobs
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.look_up_jobs import (
    CONNECTIONS,
    MOST_PUT_OFF,
    SHIFT_SECONDS,
    look_up_unknown,
    sweep_unknown,
)
from campaigns_app.campaigns.look_ups import TAKEN
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.campaigns.trial import Wish, send_trial
from campaigns_app.channels.provider import (
    AccountPause,
    EventKind,
    ProviderEvent,
    Receipt,
    Retry,
    Unknown,
)
from campaigns_app.channels.verdicts import suppress
from campaigns_app.contacts.models import Contact, Label, Suppression
from campaigns_app.database.types import utcnow
from campaigns_app.job_queue import PROVIDERS, get_queue, get_redis
from tests.campaigns.telling import (
    NUMBER,
    TellingChannel,
    counters_are_true,
    event,
    only_channel,
    recipients_of,
    send,
)
from tests.factories import make_account, make_campaign


@pytest.fixture(autouse=True)
def channel(app: Flask) -> Iterator[TellingChannel]:
    """The only channel there is; whom it is to send to, it gives no answer."""
    with only_channel(app) as channel:
        for number in range(3):
            channel.outcomes[NUMBER.format(number)] = Unknown("no answer")
        yield channel


def send_to_nobody_knows(session: Session, contacts: int = 1, user: User | None = None) -> Campaign:
    """A campaign started just now whose messages may have gone out, or not, ten minutes ago."""
    campaign = send(contacts, user.memberships[0].account if user else None)
    session.execute(update(Campaign).values(started_at=utcnow() - timedelta(minutes=11)))
    wait_ten_minutes(session)
    get_redis().flushall()
    return campaign


def wait_ten_minutes(session: Session) -> None:
    session.execute(update(CampaignRecipient).values(updated_at=utcnow() - timedelta(minutes=10)))
    session.commit()


def test_what_the_provider_has_was_sent(session: Session, channel: TellingChannel) -> None:
    campaign = send_to_nobody_knows(session, 2)
    channel.found[NUMBER.format(0)] = Receipt("SM1")

    look_up_unknown()

    first, second = recipients_of(session, campaign)
    assert (first.state, first.reason, first.provider_message_id) == ("sent", None, "SM1")
    assert first.sent_at is not None
    assert (second.state, second.reason) == ("unknown", Reason.LEFT_TO_A_PERSON)
    assert [one.text for one in channel.looked_up] == ["Hello Contact"] * 2
    assert counters_are_true(session, campaign)


def test_what_the_provider_tells_of_a_message_by_the_way_holds(
    session: Session, channel: TellingChannel
) -> None:
    campaign = send_to_nobody_knows(session, 2)
    failed = event(EventKind.FAILED, code="30005", text="not in use")
    delivered = event(EventKind.DELIVERED, at=None)
    channel.found[NUMBER.format(0)] = Receipt("SM1", failed)
    channel.found[NUMBER.format(1)] = Receipt("SM2", delivered)

    look_up_unknown()

    first, second = recipients_of(session, campaign)
    assert (first.state, first.provider_message_id) == ("failed", "SM1")
    assert (first.provider_code, first.error) == ("30005", "not in use")
    assert (second.state, second.provider_message_id) == ("delivered", "SM2")
    assert second.delivered_at is not None
    assert counters_are_true(session, campaign)


def test_the_provider_is_asked_at_night_too(session: Session, channel: TellingChannel) -> None:
    campaign = send_to_nobody_knows(session)
    channel.found[NUMBER.format(0)] = Receipt("SM1")
    opens = utcnow() + timedelta(hours=2)
    window = {"from": f"{opens:%H}:00", "to": f"{opens + timedelta(hours=1):%H}:00"}
    campaign.account.quiet_hours = window
    session.execute(update(Contact).values(custom_attributes={"timezone": "UTC"}))
    session.commit()

    look_up_unknown()

    assert count_states(campaign.id) == Counts(total=1, sent=1)


@pytest.mark.parametrize("answer", [None, Unknown("cannot say"), RuntimeError("a bug")])
def test_it_is_asked_once_and_then_left_to_a_person(
    session: Session, channel: TellingChannel, answer: Exception | None
) -> None:
    campaign = send_to_nobody_knows(session)
    channel.found[NUMBER.format(0)] = answer

    look_up_unknown()
    wait_ten_minutes(session)
    look_up_unknown()

    assert len(channel.looked_up) == 1
    (one,) = recipients_of(session, campaign)
    assert (one.state, one.reason) == ("unknown", Reason.LEFT_TO_A_PERSON)


@pytest.mark.parametrize("answer", [Retry("busy", after=1), AccountPause("bad credentials")])
def test_a_provider_that_cannot_be_asked_now_is_asked_later(
    session: Session, channel: TellingChannel, answer: Exception
) -> None:
    campaign = send_to_nobody_knows(session)
    channel.found[NUMBER.format(0)] = answer
    look_up_unknown()
    channel.found[NUMBER.format(0)] = Receipt("SM1")
    wait_ten_minutes(session)

    look_up_unknown()

    assert count_states(campaign.id) == Counts(total=1, sent=1)
    assert len(channel.looked_up) == 2


def test_what_another_campaign_sent_to_the_number_is_not_taken_for_this_ones(
    session: Session, channel: TellingChannel
) -> None:
    campaign = send_to_nobody_knows(session)
    channel.outcomes.clear()
    label = session.scalars(select(Label)).one()
    other = make_campaign(campaign.account, label, inbox_id=campaign.inbox_id)
    execute_campaign(other.id)
    deliver_provider_batches()
    (theirs,) = recipients_of(session, other)
    channel.found[NUMBER.format(0)] = Receipt(theirs.provider_message_id or "")

    look_up_unknown()

    (one,) = recipients_of(session, campaign)
    assert theirs.provider_message_id is not None
    assert (one.state, one.provider_message_id, one.error) == ("unknown", None, TAKEN)


def test_what_was_sent_as_a_test_is_not_taken_for_the_campaigns(
    session: Session, channel: TellingChannel, admin: User
) -> None:
    campaign = send_to_nobody_knows(session, 1, admin)
    (one,) = recipients_of(session, campaign)
    channel.outcomes.clear()
    trial = send_trial(
        campaign.account, campaign, Wish(one.contact_id, to_contact=True), actor=admin
    )
    channel.found[NUMBER.format(0)] = Receipt(trial.provider_message_id or "")

    look_up_unknown()

    assert trial.provider_message_id is not None
    assert count_states(campaign.id) == Counts(total=1, unknown=1)


@pytest.mark.parametrize(
    "receipt",
    [
        Receipt("S" * 300),
        Receipt("SM\x00", ProviderEvent("k", EventKind.FAILED, code="c" * 60, text="a\x00b")),
    ],
)
def test_whatever_a_provider_answers_can_be_written_down(
    session: Session, channel: TellingChannel, receipt: Receipt
) -> None:
    campaign = send_to_nobody_knows(session)
    channel.found[NUMBER.format(0)] = receipt

    look_up_unknown()

    assert count_states(campaign.id).unknown == 0


def test_whom_a_provider_tells_of_as_opted_out_is_suppressed(
    session: Session, channel: TellingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TellingChannel, "verdicts", {"21610": suppress("said STOP")})
    campaign = send_to_nobody_knows(session)
    refused = ProviderEvent("k", EventKind.FAILED, code="21610", text="said STOP")
    channel.found[NUMBER.format(0)] = Receipt("SM1", refused)

    look_up_unknown()

    assert count_states(campaign.id) == Counts(total=1, failed=1)
    row = session.scalars(select(Suppression)).one()
    assert (row.address, row.source, row.note) == (NUMBER.format(0), "provider", "21610")


def test_a_provider_that_cannot_be_asked_twice_in_a_row_is_not_asked_about_the_others_either(
    session: Session, channel: TellingChannel
) -> None:
    channel.outcomes |= {NUMBER.format(number): Unknown("no answer") for number in range(20)}
    campaign = send_to_nobody_knows(session, 20)
    channel.found = {number: Retry("away", after=1) for number in channel.outcomes}
    look_up_unknown()
    asked = len(channel.looked_up)
    look_up_unknown()
    asked_again = len(channel.looked_up)
    channel.found = {number: Receipt(f"SM{number}") for number in channel.outcomes}
    wait_ten_minutes(session)

    look_up_unknown()

    assert asked == asked_again <= CONNECTIONS + MOST_PUT_OFF
    assert count_states(campaign.id) == Counts(total=20, sent=20)


def test_a_shift_ends_soon_and_another_asks_on_after_whatever_is_to_be_sent(
    session: Session, channel: TellingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = send_to_nobody_knows(session, 3)
    channel.found = {number: Receipt(f"SM{number}") for number in channel.outcomes}
    slow = SimpleNamespace(monotonic=lambda: (SHIFT_SECONDS + 1) * len(channel.looked_up))
    monkeypatch.setattr(look_up_jobs, "time", slow)

    look_up_unknown()

    assert count_states(campaign.id) == Counts(total=3, unknown=2, sent=1)
    assert get_queue(PROVIDERS).count == 1
    look_up_unknown()
    look_up_unknown()
    assert count_states(campaign.id) == Counts(total=3, sent=3)


def test_an_inbox_whose_secrets_cannot_be_read_is_halted_and_the_others_ask_on(
    session: Session, channel: TellingChannel
) -> None:
    locked, sound = send_to_nobody_knows(session), send_to_nobody_knows(session)
    locked.inbox.channel.secrets = "what no key opens"
    session.commit()
    channel.found[NUMBER.format(0)] = Receipt("SM1")

    look_up_unknown()

    session.expire_all()
    assert "ENCRYPTION_KEYS" in (locked.inbox.halt_reason or "")
    assert count_states(locked.id) == Counts(total=1, unknown=1)
    assert count_states(sound.id) == Counts(total=1, sent=1)


def test_nobody_is_asked_about_at_once(session: Session, channel: TellingChannel) -> None:
    send(1)

    sweep_unknown()
    look_up_unknown()

    assert channel.looked_up == []


def test_the_sweep_rings_for_who_is_to_be_asked_about(session: Session) -> None:
    send_to_nobody_knows(session)

    sweep_unknown()
    assert get_queue(PROVIDERS).count == 1
    look_up_unknown()
    get_redis().flushall()
    sweep_unknown()

    assert get_queue(PROVIDERS).count == 0


@pytest.mark.parametrize("state", [RecipientState.SENT, RecipientState.FAILED])
def test_a_person_says_what_became_of_it(
    session: Session, admin_client: FlaskClient, admin: User, state: RecipientState
) -> None:
    campaign = send_to_nobody_knows(session, 1, admin)
    (one,) = recipients_of(session, campaign)
    path = f"/campaigns/{campaign.display_id}/recipients/{one.contact_id}/settle?state={state}"
    assert "settle" in admin_client.get(f"/campaigns/{campaign.display_id}").text

    question = admin_client.get(path)
    answer = admin_client.post(path)

    assert (question.status_code, answer.status_code) == (200, 303)
    (one,) = recipients_of(session, campaign)
    assert (one.state, one.reason) == (state, Reason.DECIDED_BY_A_PERSON)
    assert counters_are_true(session, campaign)
    assert "recipient.settled" in session.scalars(select(AuditEntry.action)).all()


def test_what_is_known_is_not_for_a_person_to_say(
    session: Session, admin_client: FlaskClient, admin: User, channel: TellingChannel
) -> None:
    channel.outcomes.clear()
    campaign = send(1, admin.memberships[0].account)
    (one,) = recipients_of(session, campaign)
    path = f"/campaigns/{campaign.display_id}/recipients/{one.contact_id}/settle?state=failed"

    assert admin_client.post(path).status_code == 422
    assert count_states(campaign.id) == Counts(total=1, sent=1)


@pytest.mark.parametrize("state", ["read", "pending", ""])
def test_nothing_else_can_be_said(
    session: Session, admin_client: FlaskClient, admin: User, state: str
) -> None:
    campaign = send_to_nobody_knows(session, 1, admin)
    (one,) = recipients_of(session, campaign)
    path = f"/campaigns/{campaign.display_id}/recipients/{one.contact_id}/settle?state={state}"

    assert admin_client.post(path).status_code == 404
    assert count_states(campaign.id) == Counts(total=1, unknown=1)


def test_another_accounts_recipients_are_not_found(
    session: Session, admin_client: FlaskClient, admin: User
) -> None:
    theirs = send_to_nobody_knows(session, 1)
    (one,) = recipients_of(session, theirs)
    path = f"/campaigns/{theirs.display_id}/recipients/{one.contact_id}/settle?state=sent"

    assert admin_client.post(path).status_code == 404
    assert count_states(theirs.id) == Counts(total=1, unknown=1)
    assert theirs.account_id != make_account().id
