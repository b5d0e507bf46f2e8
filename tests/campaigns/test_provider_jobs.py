"""A recipient is marked before the provider is called, called once, and recorded after."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from time_machine import TimeMachineFixture

from campaigns_app.campaigns import provider_jobs
from campaigns_app.campaigns.control import cancel_campaign, pause_campaign
from campaigns_app.campaigns.jobs import close_cancelled_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.report import Counts, count_states, held_until
from campaigns_app.campaigns.states import Phase, Reason, RecipientState
from campaigns_app.campaigns.sweep import sweep
from campaigns_app.channels.provider import (
    AccountPause,
    CampaignPause,
    Outcome,
    Permanent,
    Receipt,
    Retry,
    Suppress,
    Unknown,
)
from campaigns_app.channels.registry import EXTENSION, ChannelRegistry
from campaigns_app.contacts.models import Contact, Suppression
from campaigns_app.conversations.models import Conversation
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Inbox
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_inbox,
    make_label,
    make_template,
)
from tests.scripted import ScriptedChannel


@pytest.fixture
def channel(scripted: ScriptedChannel) -> ScriptedChannel:
    """The provider under test."""
    return scripted


def make_ready(contacts: int = 3, **values: Any) -> Campaign:
    account = make_account()
    label = make_label(account)
    for number in range(contacts):
        make_contact(account, label, name=f"Ana {number}", phone_number=f"+1415555{number:04d}")
    inbox = make_inbox(account, inbox_type="Scripted", callback_token=f"token-{account.id}")
    return make_campaign(account, label, inbox_id=inbox.id, **values)


def carry_out(campaign: Campaign) -> int:
    campaign_id = campaign.id
    execute_campaign(campaign_id)
    deliver_provider_batches()
    return campaign_id


def recipients(session: Session, state: RecipientState) -> list[CampaignRecipient]:
    session.rollback()
    wanted = select(CampaignRecipient).where(CampaignRecipient.state == state)
    return list(session.scalars(wanted.order_by(CampaignRecipient.contact_id)))


def test_each_is_sent_to_once_and_keeps_the_providers_id(
    session: Session, channel: ScriptedChannel
) -> None:
    campaign_id = carry_out(make_ready(5))

    assert count_states(campaign_id) == Counts(total=5, sent=5)
    assert sorted(message.text for message in channel.calls) == ["Hello Ana"] * 5
    assert {message.to for message in channel.calls} == {f"+1415555000{n}" for n in range(5)}
    assert [one.provider_message_id for one in recipients(session, RecipientState.SENT)] == [
        f"id-{one.id}" for one in recipients(session, RecipientState.SENT)
    ]
    assert session.scalars(select(Campaign)).one().finished_at is not None


def test_no_conversation_is_opened(session: Session, channel: ScriptedChannel) -> None:
    carry_out(make_ready())

    assert session.scalars(select(Conversation)).all() == []


def test_the_provider_is_called_only_after_that_is_written_down(channel: ScriptedChannel) -> None:
    carry_out(make_ready())

    assert channel.states == {RecipientState.SENDING}


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        (Permanent("no such number", "21211"), RecipientState.FAILED, Reason.REFUSED),
        (Suppress("said STOP", "21610"), RecipientState.FAILED, Reason.OPTED_OUT),
        (Unknown("no answer"), RecipientState.UNKNOWN, Reason.NO_ANSWER),
        (RuntimeError("a bug"), RecipientState.UNKNOWN, Reason.NO_ANSWER),
        (Retry("busy", "429", after=60), RecipientState.PENDING, Reason.TRY_AGAIN),
    ],
)
def test_one_who_cannot_be_sent_to_stops_nobody(
    session: Session,
    channel: ScriptedChannel,
    outcome: Exception,
    state: RecipientState,
    reason: Reason,
) -> None:
    channel.outcomes["+14155550001"] = outcome

    campaign_id = carry_out(make_ready(3))

    assert count_states(campaign_id).sent == 2
    (left,) = recipients(session, state)
    assert left.reason == reason
    assert left.provider_code == getattr(outcome, "code", None)


@pytest.mark.parametrize(
    "outcome",
    [
        Permanent("no \x00 such number" * 100, "x" * 100),
        Permanent("\ud800", "\x00\ud800"),
        Retry("busy", after=1e12),
        Retry("busy", after=float("nan"), slows_down=False),
    ],
)
def test_whatever_a_provider_answers_can_be_written_down(
    session: Session, channel: ScriptedChannel, outcome: Exception
) -> None:
    channel.outcomes["+14155550001"] = outcome

    campaign_id = carry_out(make_ready(3))

    counts = count_states(campaign_id)
    assert (counts.sent, counts.failed + counts.pending) == (2, 1)


def test_an_id_that_is_none_stops_nobody(
    session: Session, channel: ScriptedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(*_: Any) -> Receipt:
        return Receipt("\x00" + "x" * 300)

    monkeypatch.setattr(channel, "send", send)

    assert count_states(carry_out(make_ready(2))).sent == 2


def test_a_campaign_that_cannot_be_worked_on_leaves_other_inboxes_alone(
    channel: ScriptedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, well = make_ready(message="broken"), make_ready(message="well")
    campaign_ids = [broken.id, well.id]
    monkeypatch.setattr(channel, "units", lambda text: {"well": 1}[text])
    monkeypatch.setattr(provider_jobs, "LOOK_SECONDS", 0.01)
    for campaign_id in campaign_ids:
        execute_campaign(campaign_id)

    deliver_provider_batches()

    assert [count_states(one).sent for one in campaign_ids] == [0, 3]


def test_a_suppressed_number_is_remembered(session: Session, channel: ScriptedChannel) -> None:
    channel.outcomes["+14155550001"] = Suppress("said STOP", "21610")

    carry_out(make_ready())

    row = session.scalars(select(Suppression)).one()
    assert (row.address, row.source) == ("+14155550001", "provider")


def test_what_is_unknown_is_never_sent_again(session: Session, channel: ScriptedChannel) -> None:
    channel.outcomes["+14155550001"] = Unknown("no answer")
    campaign_id = carry_out(make_ready())

    sweep()
    deliver_provider_batches()

    assert len(channel.calls) == 3
    assert count_states(campaign_id) == Counts(total=3, sent=2, unknown=1)


def test_who_is_to_be_tried_later_holds_the_batch_until_then(
    session: Session, channel: ScriptedChannel
) -> None:
    channel.outcomes["+14155550001"] = Retry("busy", "429", after=60)
    campaign_id = carry_out(make_ready())

    deliver_provider_batches()
    assert len(channel.calls) == 3
    session.execute(update(CampaignBatch).values(resume_at=utcnow()))
    session.execute(update(CampaignRecipient).values(next_attempt_at=None))
    session.commit()
    channel.outcomes.clear()
    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=3, sent=3)


def test_who_is_put_off_too_often_is_failed(session: Session, channel: ScriptedChannel) -> None:
    channel.outcomes["+14155550001"] = Retry("busy", "429", after=0)

    campaign_id = carry_out(make_ready())
    for _ in range(5):
        session.execute(update(CampaignBatch).values(resume_at=None))
        session.commit()
        deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=3, sent=2, failed=1)
    assert len(channel.calls) == 2 + 5


def test_an_account_that_is_refused_halts_the_inbox_after_a_few_calls(
    session: Session, channel: ScriptedChannel, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 1)
    for number in range(50):
        channel.outcomes[f"+1415555{number:04d}"] = AccountPause("bad credentials", "20003")

    campaign_id = carry_out(make_ready(50))

    assert count_states(campaign_id) == Counts(total=50, pending=50)
    assert len(channel.calls) < 10
    inbox = session.scalars(select(Inbox)).one()
    assert inbox.halted_at is not None
    assert inbox.halt_reason == "bad credentials (20003)"


def test_a_message_that_is_refused_pauses_its_campaign_and_nothing_else(
    session: Session, channel: ScriptedChannel, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 1)
    params = {"name": "sale", "language": "de", "processed_params": {"body": {"1": "you"}}}
    refused = make_ready(50, template_params=params)
    make_template(refused.inbox, name="sale", language="de")
    label = make_label(refused.account)
    make_contact(refused.account, label, phone_number="+14155559999")
    other = make_campaign(refused.account, label, inbox_id=refused.inbox_id)
    for number in range(50):
        channel.outcomes[f"+1415555{number:04d}"] = CampaignPause("the template is paused", "15")

    campaign_id, other_id = carry_out(refused), carry_out(other)

    session.rollback()
    session.refresh(refused)
    assert (refused.phase, refused.inbox.halted_at) == (Phase.PAUSED, None)
    assert refused.pause_reason == "sale (de): the template is paused (15)"
    assert count_states(campaign_id) == Counts(total=50, pending=50)
    assert len(channel.calls) < 10
    assert count_states(other_id) == Counts(total=1, sent=1)


@pytest.mark.parametrize("kind", [AccountPause, CampaignPause])
def test_one_whom_such_a_refusal_meets_alone_is_failed_in_the_end(
    session: Session, channel: ScriptedChannel, kind: type[Outcome]
) -> None:
    channel.outcomes["+14155550001"] = kind("not in this country", "130497")

    campaign_id = carry_out(make_ready(3))
    for _ in range(5):
        session.execute(update(CampaignBatch).values(resume_at=None))
        session.execute(update(CampaignRecipient).values(next_attempt_at=None))
        session.commit()
        deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=3, sent=2, failed=1)


def test_an_inbox_whose_secrets_cannot_be_read_is_halted(
    session: Session, channel: ScriptedChannel
) -> None:
    campaign = make_ready(2)
    campaign.inbox.channel.secrets = "what no key opens"
    session.commit()

    campaign_id = carry_out(campaign)

    assert count_states(campaign_id) == Counts(total=2, pending=2)
    assert "ENCRYPTION_KEYS" in (session.scalars(select(Inbox.halt_reason)).one() or "")
    assert session.scalars(select(CampaignBatch.lease_owner)).one() is None


def test_an_inbox_whose_address_is_not_allowed_any_more_is_halted_and_sends_nothing(
    session: Session, channel: ScriptedChannel
) -> None:
    campaign = make_ready(2)
    campaign.inbox.channel.settings = {"base_url": "http://127.0.0.1:9999"}
    session.commit()

    campaign_id = carry_out(campaign)

    assert channel.calls == []
    assert count_states(campaign_id) == Counts(total=2, pending=2)
    assert "PROVIDER_BASE_URLS" in (session.scalars(select(Inbox.halt_reason)).one() or "")


def test_who_is_in_quiet_hours_is_held_until_they_are_over(
    session: Session, channel: ScriptedChannel, time_machine: TimeMachineFixture
) -> None:
    night = datetime(2030, 1, 1, 5, tzinfo=UTC)
    time_machine.move_to(night, tick=True)
    campaign = make_ready(3)
    campaign.account.quiet_hours = {"from": "08:00", "to": "21:00"}
    make_awake = session.scalars(select(Contact).limit(1)).one()
    make_awake.custom_attributes = {"timezone": "Asia/Tokyo"}
    session.commit()

    campaign_id = carry_out(campaign)

    held = recipients(session, RecipientState.PENDING)
    opening = datetime(2030, 1, 1, 16, tzinfo=UTC)  # Eight o'clock in California.
    assert count_states(campaign_id) == Counts(total=3, sent=1, pending=2)
    assert {(one.reason, one.next_attempt_at) for one in held} == {(Reason.QUIET_HOURS, opening)}
    assert session.scalars(select(CampaignBatch.resume_at)).one() == opening
    assert held_until(session.get_one(Campaign, campaign_id)) == opening

    time_machine.move_to(opening)
    session.execute(update(CampaignBatch).values(resume_at=None))
    session.execute(update(CampaignRecipient).values(next_attempt_at=None))
    session.commit()
    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=3, sent=3)


def test_who_can_never_be_written_to_is_skipped_with_the_reason(
    session: Session, channel: ScriptedChannel
) -> None:
    campaign = make_ready(1)
    campaign.account.quiet_hours = {"from": "10:00", "to": "11:00"}
    session.execute(update(Contact).values(phone_number="+18005550001"))
    session.commit()

    campaign_id = carry_out(campaign)

    assert count_states(campaign_id) == Counts(total=1, skipped=1)
    assert recipients(session, RecipientState.SKIPPED)[0].reason == Reason.QUIET_HOURS


def test_who_opted_out_or_was_blocked_since_the_start_is_skipped(
    session: Session, channel: ScriptedChannel
) -> None:
    campaign = make_ready(3)
    campaign_id = campaign.id
    execute_campaign(campaign_id)
    first, second = session.scalars(select(Contact).order_by(Contact.id).limit(2))
    session.add(
        Suppression(account_id=first.account_id, address=first.phone_number, source="manual")
    )
    second.blocked = True
    session.commit()

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=3, sent=1, skipped=2)
    assert [one.reason for one in recipients(session, RecipientState.SKIPPED)] == [
        Reason.OPTED_OUT,
        Reason.BLOCKED,
    ]
    assert len(channel.calls) == 1


def test_a_deleted_contact_is_skipped(session: Session, channel: ScriptedChannel) -> None:
    campaign_id = make_ready(2).id
    execute_campaign(campaign_id)
    session.delete(session.scalars(select(Contact).limit(1)).one())
    session.commit()

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=2, sent=1, skipped=1)


def test_a_paused_campaign_begins_with_nobody(session: Session, channel: ScriptedChannel) -> None:
    campaign = make_ready(3)
    campaign_id, account, number = campaign.id, campaign.account, campaign.display_id
    execute_campaign(campaign_id)
    pause_campaign(account, number, actor=None)

    deliver_provider_batches()

    assert channel.calls == []
    assert count_states(campaign_id) == Counts(total=3, pending=3)


def test_a_worker_that_lost_its_lease_writes_nothing(
    app: Flask, session: Session, channel: ScriptedChannel
) -> None:
    class Thief(ScriptedChannel):
        """Takes the batch away while the provider is called."""

        async def send(self, *call: Any) -> Receipt:
            with Session(db.engine) as other:
                other.execute(
                    update(CampaignBatch).values(fence=CampaignBatch.fence + 1, lease_owner="thief")
                )
                other.commit()
            return await super().send(*call)

    app.extensions[EXTENSION] = ChannelRegistry()
    app.extensions[EXTENSION].register(Thief())

    campaign_id = carry_out(make_ready(2))

    assert count_states(campaign_id) == Counts(total=2, sending=2)


def test_whoever_a_dead_worker_was_sending_to_is_unknown_to_the_next(
    session: Session, channel: ScriptedChannel
) -> None:
    campaign_id = make_ready(3).id
    execute_campaign(campaign_id)
    first = select(CampaignRecipient.id).order_by(CampaignRecipient.id).limit(1)
    session.execute(
        update(CampaignRecipient)
        .where(CampaignRecipient.id == first.scalar_subquery())
        .values(state=RecipientState.SENDING.value)
    )
    session.execute(update(CampaignBatch).values(sending=1, pending=2))
    session.commit()

    # Before the sweep has come by.
    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=3, sent=2, unknown=1)
    assert len(channel.calls) == 2


def test_whoever_is_being_sent_to_when_a_campaign_is_cancelled_keeps_what_came_of_it(
    app: Flask, session: Session, channel: ScriptedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 1)
    campaign = make_ready(3)
    campaign_id, account, number = campaign.id, campaign.account, campaign.display_id

    class Cancelling(ScriptedChannel):
        """Its provider takes so long that the campaign is cancelled meanwhile."""

        async def send(self, *call: Any) -> Receipt:
            cancel_campaign(account, number, actor=None, now=utcnow())
            close_cancelled_batches()
            return await super().send(*call)

    app.extensions[EXTENSION] = ChannelRegistry()
    app.extensions[EXTENSION].register(Cancelling())
    carry_out(campaign)
    close_cancelled_batches()

    assert count_states(campaign_id) == Counts(total=3, sent=1, cancelled=2)


def test_template_parameters_are_filled_in_for_each(
    session: Session, channel: ScriptedChannel
) -> None:
    params = {
        "name": "order",
        "processed_params": {"body": {"1": "{{ contact.first_name }}", "2": "fixed"}},
    }

    campaign = make_ready(1, template_params=params)
    make_template(campaign.inbox, "{{1}} {{2}}", name="order")

    carry_out(campaign)

    assert channel.calls[0].template == {
        "name": "order",
        "processed_params": {"body": {"1": "Ana", "2": "fixed"}},
    }


def test_a_blank_parameter_skips_that_contact(session: Session, channel: ScriptedChannel) -> None:
    params = {"processed_params": {"body": {"1": "{{ contact.custom_attribute.none }}"}}}

    campaign_id = carry_out(make_ready(1, template_params=params))

    assert count_states(campaign_id) == Counts(total=1, skipped=1)
    (left,) = recipients(session, RecipientState.SKIPPED)
    assert (left.reason, left.error) == (Reason.BLANK_PARAMETER, "body 1")
    assert json.dumps(channel.calls) == "[]"
