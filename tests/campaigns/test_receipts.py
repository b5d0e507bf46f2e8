"""Whatever a provider tells, however often and in whatever order: states only move forward."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.look_up_jobs import look_up_unknown
from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.receipt_jobs import process_receipts, sweep_receipts
from campaigns_app.campaigns.receipts import BLOCK, Result
from campaigns_app.campaigns.report import Counts, count_states, list_recipients
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.provider import EventKind, ProviderEvent, Unknown
from campaigns_app.contacts.models import Suppression
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.models import ProviderEvent as KeptEvent
from campaigns_app.job_queue import DEFAULT, get_queue, get_redis
from campaigns_app.webhooks.models import WebhookEvent
from tests.campaigns.telling import (
    NUMBER,
    TellingChannel,
    counters_are_true,
    event,
    keep,
    only_channel,
    recipients_of,
    send,
    start,
)
from tests.factories import make_account, make_endpoint, make_suppression

SENT, DELIVERED, READ, FAILED, UNKNOWN = (
    EventKind.SENT,
    EventKind.DELIVERED,
    EventKind.READ,
    EventKind.FAILED,
    EventKind.UNKNOWN,
)


@pytest.fixture(autouse=True)
def channel(app: Flask) -> Iterator[TellingChannel]:
    """The only channel there is."""
    with only_channel(app) as channel:
        yield channel


def results(session: Session) -> list[str | None]:
    session.rollback()
    return list(session.scalars(select(KeptEvent.result).order_by(KeptEvent.id)))


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([DELIVERED], RecipientState.DELIVERED),
        ([READ, DELIVERED], RecipientState.READ),
        ([DELIVERED, SENT], RecipientState.DELIVERED),
        ([FAILED, SENT], RecipientState.FAILED),
        ([FAILED, DELIVERED], RecipientState.DELIVERED),
        ([DELIVERED, FAILED], RecipientState.DELIVERED),
        ([UNKNOWN], RecipientState.UNKNOWN),
        ([UNKNOWN, SENT], RecipientState.UNKNOWN),
        ([UNKNOWN, FAILED], RecipientState.FAILED),
        ([FAILED, UNKNOWN], RecipientState.FAILED),
        ([DELIVERED, UNKNOWN], RecipientState.DELIVERED),
    ],
)
def test_a_state_only_moves_forward(
    session: Session, kinds: list[EventKind], state: RecipientState
) -> None:
    campaign = send(1)
    (before,) = recipients_of(session, campaign)

    for kind in kinds:
        keep(campaign, event(kind, provider_message_id=before.provider_message_id))
        process_receipts()

    (after,) = recipients_of(session, campaign)
    assert after.state == state
    assert counters_are_true(session, campaign)


def test_a_failure_keeps_the_providers_code_and_words(session: Session) -> None:
    campaign = send(2)
    first, _ = recipients_of(session, campaign)
    keep(campaign, event(FAILED, delivery_id=str(first.id), code="30005", text="unknown handset"))

    process_receipts()

    first, second = recipients_of(session, campaign)
    assert (first.state, first.reason) == (RecipientState.FAILED, Reason.REFUSED)
    assert (first.provider_code, first.error) == ("30005", "unknown handset")
    assert second.state == RecipientState.SENT


@pytest.mark.parametrize("kinds", list(permutations([SENT, UNKNOWN])))
@pytest.mark.parametrize("answer", [None, Unknown("no answer")])
def test_what_the_provider_lost_track_of_is_left_to_a_person(
    session: Session,
    channel: TellingChannel,
    answer: Unknown | None,
    kinds: tuple[EventKind, ...],
) -> None:
    if answer is not None:
        channel.outcomes[NUMBER.format(0)] = answer
    campaign = send(1)
    (one,) = recipients_of(session, campaign)
    for kind in kinds:
        code, text = ("9902", "no receipt") if kind is UNKNOWN else (None, "")
        keep(campaign, event(kind, delivery_id=str(one.id), code=code, text=text))
        process_receipts()
    session.execute(update(CampaignRecipient).values(updated_at=utcnow() - timedelta(hours=1)))
    session.commit()

    look_up_unknown()

    (one,) = recipients_of(session, campaign)
    assert (one.state, one.reason) == (RecipientState.UNKNOWN, Reason.LEFT_TO_A_PERSON)
    assert (one.provider_code, one.error, one.sent_at is None) == ("9902", "no receipt", False)
    assert channel.looked_up == []
    assert counters_are_true(session, campaign)


def test_every_order_of_receipts_has_the_same_end(session: Session) -> None:
    kinds = [SENT, UNKNOWN, DELIVERED, READ, FAILED]
    orders = list(permutations(kinds))
    campaign = send(len(orders))
    now = utcnow()
    for number, recipient in enumerate(recipients_of(session, campaign)):
        for kind in orders[number]:
            at = now + timedelta(seconds=kinds.index(kind) - 10)
            keep(campaign, event(kind, delivery_id=str(recipient.id), at=at))

    process_receipts()

    ends = {
        (one.state, one.reason, one.error, one.provider_code, one.delivered_at, one.read_at)
        for one in recipients_of(session, campaign)
    }
    assert len(ends) == 1
    assert count_states(campaign.id) == Counts(total=len(orders), read=len(orders))


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_is_told_in_whatever_order_the_counters_are_true(
    session: Session, data: st.DataObject
) -> None:
    """Repeated, shuffled, foreign, in any number of blocks: the state of each is that of the
    furthest receipt, and the counters count them."""
    campaign = send(3, make_account())
    recipients = recipients_of(session, campaign)
    told = data.draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from([SENT, UNKNOWN, DELIVERED, READ, FAILED])),
            max_size=20,
        )
    )
    for number, (place, kind) in enumerate(told):
        known = recipients[place].id if place < 3 else 10**9
        keep(campaign, event(kind, delivery_id=str(known)))
        if data.draw(st.booleans(), label=f"process after {number}"):
            process_receipts()
    process_receipts()

    ranks = [SENT, UNKNOWN, FAILED, DELIVERED, READ]
    for place, recipient in enumerate(recipients_of(session, campaign)):
        kinds = [ranks.index(kind) for who, kind in told if who == place]
        assert recipient.state == ranks[max(kinds, default=0)]
    assert counters_are_true(session, campaign)
    assert count_states(campaign.id).adds_up


def test_what_is_told_twice_is_kept_once(session: Session) -> None:
    campaign = send(1)
    (one,) = recipients_of(session, campaign)
    told = event(DELIVERED, delivery_id=str(one.id))

    keep(campaign, told, told)
    process_receipts()
    keep(campaign, told)
    process_receipts()

    assert results(session) == [Result.APPLIED]
    assert count_states(campaign.id) == Counts(total=1, delivered=1)


def test_what_is_known_already_changes_nothing(session: Session) -> None:
    campaign = send(1)
    (one,) = recipients_of(session, campaign)
    keep(campaign, event(DELIVERED, "1", delivery_id=str(one.id)))
    process_receipts()
    keep(campaign, event(SENT, "2", delivery_id=str(one.id), at=utcnow() + timedelta(hours=1)))

    process_receipts()

    assert results(session) == [Result.APPLIED, Result.NOTHING_NEW]


@pytest.mark.parametrize("by", ["delivery_id", "provider_message_id"])
def test_another_accounts_messages_cannot_be_told_of(session: Session, by: str) -> None:
    theirs, ours = send(1), send(1)
    (recipient,) = recipients_of(session, theirs)
    known = {"delivery_id": str(recipient.id), "provider_message_id": f"id-{recipient.id}"}
    keep(ours, event(READ, **{by: known[by]}))

    process_receipts()

    assert count_states(theirs.id) == Counts(total=1, sent=1)
    assert count_states(ours.id) == Counts(total=1, sent=1)


@pytest.mark.parametrize("delivery_id", ["", "no number", "9" * 30, "٣", "-1", "0"])
def test_an_id_that_is_none_of_ours_is_foreign(session: Session, delivery_id: str) -> None:
    campaign = send(1)
    keep(campaign, event(DELIVERED, "key", delivery_id=delivery_id))

    process_receipts()

    assert results(session) == [Result.FOREIGN]
    assert count_states(campaign.id) == Counts(total=1, sent=1)


def test_a_receipt_by_number_alone_is_about_no_message(session: Session) -> None:
    campaign = send(1)
    keep(campaign, event(DELIVERED, address=NUMBER.format(0)))

    process_receipts()

    assert count_states(campaign.id) == Counts(total=1, sent=1)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (SENT, RecipientState.SENT),
        (DELIVERED, RecipientState.DELIVERED),
        (FAILED, RecipientState.FAILED),
    ],
)
def test_what_is_unknown_becomes_known(
    session: Session, channel: TellingChannel, kind: EventKind, state: RecipientState
) -> None:
    channel.outcomes[NUMBER.format(0)] = Unknown("no answer")
    campaign = send(1)
    (one,) = recipients_of(session, campaign)
    assert one.state == RecipientState.UNKNOWN
    keep(campaign, event(kind, delivery_id=str(one.id), provider_message_id="SM1", code="7"))

    process_receipts()

    (one,) = recipients_of(session, campaign)
    assert (one.state, one.provider_message_id) == (state, "SM1")
    assert one.reason == (Reason.REFUSED if kind is FAILED else None)
    assert counters_are_true(session, campaign)


def test_a_receipt_before_our_own_commit_waits_for_it(
    session: Session, channel: TellingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told while the call is under way: before the provider's id, and before `sent`, is known."""
    campaign = start(1)
    states: list[str | None] = []
    call = channel.send

    async def send_and_tell(http: Any, account: Any, message: Any) -> Any:
        receipt = await call(http, account, message)
        keep(campaign, event(DELIVERED, "ours", delivery_id=message.delivery_id))
        keep(campaign, event(READ, "theirs", provider_message_id=receipt.provider_message_id))
        process_receipts()
        states.extend(results(session))
        return receipt

    monkeypatch.setattr(channel, "send", send_and_tell)
    deliver_provider_batches()
    assert states == [None, None]
    assert count_states(campaign.id) == Counts(total=1, sent=1)
    make_due(session)

    process_receipts()

    assert results(session) == [Result.APPLIED, Result.APPLIED]
    assert count_states(campaign.id) == Counts(total=1, read=1)
    assert counters_are_true(session, campaign)


def test_what_waits_is_not_looked_at_all_the_time(session: Session) -> None:
    campaign = send(1)
    keep(campaign, event(DELIVERED, provider_message_id="nobody's"))
    process_receipts()

    assert results(session) == [None]
    get_redis().flushall()
    session.rollback()
    sweep_receipts()

    assert get_queue(DEFAULT).count == 0


def test_what_nobody_sent_is_given_up(session: Session) -> None:
    campaign = send(1)
    keep(campaign, event(DELIVERED, provider_message_id="nobody's"))
    session.execute(update(KeptEvent).values(received_at=utcnow() - timedelta(hours=7)))
    session.commit()

    process_receipts()

    assert results(session) == [Result.FOREIGN]


def test_who_waits_for_another_try_was_reached_when_the_provider_says_so(
    session: Session, channel: TellingChannel
) -> None:
    campaign = start(1)
    session.execute(
        update(CampaignRecipient).values(attempts=1, next_attempt_at=utcnow() + timedelta(hours=1))
    )
    session.commit()
    (one,) = recipients_of(session, campaign)
    keep(campaign, event(DELIVERED, delivery_id=str(one.id)))

    process_receipts()
    session.execute(update(CampaignRecipient).values(next_attempt_at=None))
    session.commit()
    deliver_provider_batches()

    assert count_states(campaign.id) == Counts(total=1, delivered=1)


def test_who_was_never_sent_to_was_not_reached(session: Session) -> None:
    campaign = start(1)
    (one,) = recipients_of(session, campaign)
    keep(campaign, event(DELIVERED, delivery_id=str(one.id)))

    process_receipts()

    assert count_states(campaign.id) == Counts(total=1, pending=1)


def test_more_than_a_block_is_worked_through(session: Session) -> None:
    campaign = send(3)
    known = recipients_of(session, campaign)
    keep(
        campaign,
        *(event(DELIVERED, str(n), delivery_id=str(known[n % 3].id)) for n in range(BLOCK + 50)),
    )

    process_receipts()

    assert None not in results(session)
    assert count_states(campaign.id) == Counts(total=3, delivered=3)


def test_one_event_that_is_broken_stops_no_other(session: Session) -> None:
    campaign = send(1)
    (one,) = recipients_of(session, campaign)
    keep(campaign, event(SENT, "1"), event(DELIVERED, "2", delivery_id=str(one.id)))
    session.execute(update(KeptEvent).where(KeptEvent.key == "1").values(kind="of tomorrow"))
    session.commit()

    process_receipts()

    assert results(session) == [Result.BROKEN, Result.APPLIED]
    assert count_states(campaign.id) == Counts(total=1, delivered=1)


def test_many_workers_count_each_change_once(app: Flask, session: Session) -> None:
    """Receipts of the same recipients, in several blocks, worked on by several workers at once."""
    campaign = send(150)
    known = recipients_of(session, campaign)
    for kind in (SENT, DELIVERED, READ):
        keep(campaign, *(event(kind, delivery_id=str(one.id)) for one in known))
    campaign_id = campaign.id
    session.rollback()

    def work() -> None:
        with app.app_context():
            process_receipts()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert count_states(campaign_id) == Counts(total=150, read=150)


def test_endpoints_are_told_what_became_of_whom(session: Session) -> None:
    campaign = send(2)
    make_endpoint(campaign.account, subscriptions=["recipient_updated"])
    first, second = recipients_of(session, campaign)
    keep(
        campaign,
        event(DELIVERED, delivery_id=str(first.id)),
        event(SENT, delivery_id=str(second.id)),
        event(EventKind.REPLIED, address=NUMBER.format(1), text="Thanks!"),
    )

    process_receipts()

    told = [json.loads(one) for one in session.scalars(select(WebhookEvent.payload))]
    assert {(one["recipient"]["contact_id"], one["change"]) for one in told} == {
        (first.contact_id, "delivered"),
        (second.contact_id, "replied"),
    }


def make_due(session: Session) -> None:
    session.execute(update(KeptEvent).values(due_at=KeptEvent.received_at))
    session.commit()


def suppressions(session: Session) -> dict[str, str]:
    session.rollback()
    rows = session.execute(select(Suppression.address, Suppression.source))
    return {row.address: row.source for row in rows}


def test_a_reply_is_recorded_with_the_last_message_before_it(session: Session) -> None:
    campaign = send(2)
    keep(campaign, event(EventKind.REPLIED, address=NUMBER.format(1), text="Thanks!"))

    process_receipts()

    first, second = recipients_of(session, campaign)
    assert first.replied_at is None
    assert second.replied_at is not None
    kept = session.scalars(select(KeptEvent)).one()
    assert (kept.recipient_id, kept.event["text"]) == (second.id, "Thanks!")
    assert suppressions(session) == {}
    assert counters_are_true(session, campaign)


def test_a_reply_that_says_stop_is_obeyed(session: Session) -> None:
    campaign = send(1)
    keep(campaign, event(EventKind.REPLIED, address=NUMBER.format(0), text=" Stop. "))

    process_receipts()

    assert suppressions(session) == {NUMBER.format(0): "reply"}


def test_stop_of_somebody_unknown_is_obeyed_too(session: Session) -> None:
    campaign = send(1)
    keep(campaign, event(EventKind.REPLIED, address="+447700900123", text="ARRÊT"))

    process_receipts()

    assert suppressions(session) == {"+447700900123": "reply"}
    assert results(session) == [Result.APPLIED]


def test_the_providers_word_for_an_opt_out_is_obeyed(session: Session) -> None:
    campaign = send(1)
    (one,) = recipients_of(session, campaign)
    keep(campaign, event(EventKind.OPTED_OUT, delivery_id=str(one.id)))

    process_receipts()

    assert suppressions(session) == {NUMBER.format(0): "provider"}


@pytest.mark.parametrize(
    ("source", "left"),
    [("reply", {}), ("provider", {}), ("manual", "manual"), ("import", "import")],
)
def test_start_undoes_only_what_a_stop_made(session: Session, source: str, left: Any) -> None:
    campaign = send(1)
    make_suppression(
        campaign.account, NUMBER.format(0), source=source, created_at=utcnow() - timedelta(days=1)
    )
    keep(campaign, event(EventKind.REPLIED, address=NUMBER.format(0), text="START"))

    process_receipts()

    assert suppressions(session) == ({NUMBER.format(0): left} if left else {})


@pytest.mark.parametrize("reverse", [False, True])
def test_the_last_wish_counts_whatever_comes_first(session: Session, reverse: bool) -> None:
    campaign = send(1)
    now, who = utcnow(), NUMBER.format(0)
    told: list[ProviderEvent] = [
        event(EventKind.REPLIED, "1", address=who, text="START", at=now - timedelta(minutes=2)),
        event(EventKind.REPLIED, "2", address=who, text="STOP", at=now - timedelta(minutes=1)),
    ]
    for one in reversed(told) if reverse else told:
        keep(campaign, one)
        process_receipts()

    assert suppressions(session) == {who: "reply"}


def test_an_opt_out_is_of_that_account_alone(session: Session) -> None:
    theirs, ours = send(1), send(1)
    keep(ours, event(EventKind.REPLIED, address=NUMBER.format(0), text="STOP"))

    process_receipts()

    rows = session.scalars(select(Suppression.account_id)).all()
    assert rows == [ours.account_id]
    assert theirs.account_id != ours.account_id


def test_who_opted_out_meanwhile_is_not_sent_to(session: Session) -> None:
    campaign = start(2)
    keep(campaign, event(EventKind.REPLIED, address=NUMBER.format(0), text="STOP"))
    process_receipts()

    deliver_provider_batches()

    assert count_states(campaign.id) == Counts(total=2, sent=1, skipped=1)


def test_a_reply_and_its_words_are_shown_with_the_recipient(session: Session) -> None:
    campaign = send(2)
    for text in ("First", "Second"):
        keep(campaign, event(EventKind.REPLIED, text, address=NUMBER.format(0), text=text))
    failed = recipients_of(session, campaign)[1].id
    keep(campaign, event(FAILED, delivery_id=str(failed), code="30005", text="unknown handset"))

    process_receipts()

    first, second = list_recipients(campaign).rows
    assert (first.reply, first.replied_at is not None) == ("Second", True)
    assert (second.reply, second.provider_code, second.error) == (None, "30005", "unknown handset")
