"""Each recipient gets exactly one conversation, and one recipient's failure stops nobody."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from campaigns_app.campaigns import leases
from campaigns_app.campaigns.delivery import BatchRun, Pace
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.states import Phase
from campaigns_app.channels.registry import get_channels
from campaigns_app.conversations.models import ContactInbox, Conversation, Message
from campaigns_app.errors import StaleLease
from campaigns_app.extensions import db
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEvent
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_endpoint,
    make_inbox,
    make_label,
    make_user,
)

CarryOut = Callable[[Campaign], None]


def make_ready(contacts: int = 3, **values: object) -> Campaign:
    account = make_account()
    label = make_label(account)
    for _ in range(contacts):
        make_contact(account, label)
    return make_campaign(account, label, **values)


def conversations(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Conversation)) or 0


def test_each_recipient_gets_a_conversation_with_the_message(
    session: Session, carry_out: CarryOut
) -> None:
    account = make_account()
    label, sender = make_label(account), make_user(account)
    contact = make_contact(account, label, name="ana souza")
    campaign = make_campaign(account, label, sender_id=sender.id)

    carry_out(campaign)

    conversation = session.scalars(select(Conversation)).one()
    message = session.scalars(select(Message)).one()
    assert (conversation.contact_id, conversation.campaign_id) == (contact.id, campaign.id)
    assert (conversation.display_id, conversation.status) == (1, "open")
    assert (message.content, message.sender_id) == ("Hello Ana", sender.id)
    assert message.additional_attributes == {"campaign_id": campaign.id}


def test_a_finished_campaign_is_finished(session: Session, carry_out: CarryOut) -> None:
    campaign = make_ready(contacts=3)

    carry_out(campaign)

    assert campaign.phase is Phase.FINISHED
    assert count_states(campaign.id) == Counts(total=3, sent=3)


def test_a_job_that_runs_again_does_nothing(session: Session, carry_out: CarryOut) -> None:
    campaign = make_ready(contacts=3)

    carry_out(campaign)
    carry_out(campaign)

    assert conversations(session) == 3


def test_a_second_campaign_finds_the_contact_inbox_of_the_first(
    session: Session, carry_out: CarryOut
) -> None:
    account = make_account()
    label, inbox = make_label(account), make_inbox(account)
    make_contact(account, label)

    for _ in range(2):
        carry_out(make_campaign(account, label, inbox_id=inbox.id))

    assert conversations(session) == 2
    assert len(session.scalars(select(ContactInbox)).all()) == 1


def test_both_events_are_written_for_their_subscribers(
    session: Session, carry_out: CarryOut
) -> None:
    account = make_account()
    label = make_label(account)
    contact = make_contact(account, label)
    make_endpoint(account)
    make_endpoint(account, subscriptions=["message_created"])

    carry_out(make_campaign(account, label))

    created, message = session.scalars(select(WebhookEvent).order_by(WebhookEvent.id)).all()
    assert len(session.scalars(select(WebhookDelivery)).all()) == 3
    assert json.loads(created.payload)["meta"]["sender"]["id"] == contact.id
    assert json.loads(message.payload)["conversation"]["id"] == json.loads(created.payload)["id"]


def test_nobody_subscribed_means_nothing_written(session: Session, carry_out: CarryOut) -> None:
    carry_out(make_ready())

    assert session.scalars(select(WebhookEvent)).all() == []


def test_the_contact_who_spoils_a_chunk_fails_alone(
    app: Flask, session: Session, carry_out: CarryOut
) -> None:
    campaign = make_ready(contacts=7)
    execute_campaign(campaign.id)
    spoiler = session.scalars(select(CampaignRecipient.contact_id).offset(3).limit(1)).one()
    plant_conflict(session, campaign, spoiler)

    deliver_batches()

    failed = session.scalars(select(CampaignRecipient).filter_by(state="failed")).one()
    assert (failed.contact_id, failed.reason) == (spoiler, "delivery_failed")
    assert "IntegrityError" in (failed.error or "")
    assert count_states(campaign.id) == Counts(total=7, sent=6, failed=1)


def plant_conflict(session: Session, campaign: Campaign, contact_id: int) -> None:
    """A conversation of this campaign and contact that is there already."""
    session.add(
        Conversation(
            account_id=campaign.account_id,
            inbox_id=campaign.inbox_id,
            contact_id=contact_id,
            campaign_id=campaign.id,
            display_id=999_999,
        )
    )
    session.commit()


def test_a_contact_deleted_after_the_start_is_skipped(session: Session, app: Flask) -> None:
    campaign = make_ready(contacts=2)
    execute_campaign(campaign.id)
    gone = session.scalars(select(CampaignRecipient.contact_id).limit(1)).one()
    session.execute(text("DELETE FROM contacts WHERE id = :id"), {"id": gone})
    session.commit()

    deliver_batches()

    skipped = session.scalars(select(CampaignRecipient).filter_by(state="skipped")).one()
    assert (skipped.contact_id, skipped.reason) == (gone, "contact_deleted")
    assert count_states(campaign.id) == Counts(total=2, sent=1, skipped=1)


def test_a_contact_blocked_after_the_start_is_skipped(session: Session, app: Flask) -> None:
    campaign = make_ready(contacts=1)
    execute_campaign(campaign.id)
    session.execute(text("UPDATE contacts SET blocked = true"))
    session.commit()

    deliver_batches()

    assert count_states(campaign.id) == Counts(total=1, skipped=1)


def test_a_message_that_fails_for_one_contact_goes_to_the_others(
    session: Session, carry_out: CarryOut
) -> None:
    account = make_account()
    label = make_label(account)
    make_contact(account, label, custom_attributes={"n": 0})
    make_contact(account, label, custom_attributes={"n": 2})
    message = "{{ 10 | divided_by: contact.custom_attribute.n }}"
    campaign = make_campaign(account, label, message=message)

    carry_out(campaign)

    failed = session.scalars(select(CampaignRecipient).filter_by(state="failed")).one()
    assert failed.reason == "rendering_failed"
    assert session.scalars(select(Message.content)).one() == "5"


def test_a_stale_worker_changes_nothing(session: Session, app: Flask) -> None:
    campaign = make_ready(contacts=2)
    execute_campaign(campaign.id)
    slow = leases.take_batch(session, "slow worker", lease_seconds=-1)
    assert slow is not None
    run = BatchRun(session, get_channels(), slow, Pace(chunk_size=10, lease_seconds=20))
    assert leases.take_batch(session, "quick worker", lease_seconds=20) is not None

    with pytest.raises(StaleLease):
        run.finish()
    session.rollback()

    assert conversations(session) == 0
    assert count_states(campaign.id) == Counts(total=2, pending=2)


def test_a_batch_in_good_hands_is_not_taken(session: Session) -> None:
    execute_campaign(make_ready(contacts=2).id)
    assert leases.take_batch(session, "first", lease_seconds=20) is not None

    assert leases.take_batch(session, "second", lease_seconds=20) is None


def test_a_batch_whose_worker_died_half_way_is_finished_by_another(session: Session) -> None:
    campaign = make_ready(contacts=5)
    execute_campaign(campaign.id)
    lease = leases.take_batch(session, "doomed", lease_seconds=20)
    assert lease is not None
    run = BatchRun(session, get_channels(), lease, Pace(chunk_size=2, lease_seconds=-1))
    with dying_at_commit(2), pytest.raises(Died):
        run.finish()
    assert conversations(session) == 2

    deliver_batches()

    assert conversations(session) == 5
    assert campaign.phase is Phase.FINISHED


class Died(BaseException):
    """Stands for the end of the process: nothing after it runs."""


@contextmanager
def dying_at_commit(number: int) -> Iterator[None]:
    """In the block, the commit of that number is not reached."""
    commits = count(1)

    def die(session: Session) -> None:
        if next(commits) == number:
            raise Died

    event.listen(db.session, "before_commit", die)
    try:
        yield
    finally:
        event.remove(db.session, "before_commit", die)
        db.session.rollback()


def test_a_paused_campaign_leaves_the_rest_pending(session: Session, app: Flask) -> None:
    campaign = make_ready(contacts=2)
    execute_campaign(campaign.id)
    campaign.enabled = False
    session.commit()

    deliver_batches()

    assert count_states(campaign.id) == Counts(total=2, pending=2)
    assert campaign.phase is Phase.PAUSED


def test_conversations_are_logged_as_the_specification_says(
    session: Session, carry_out: CarryOut, caplog: pytest.LogCaptureFixture
) -> None:
    account = make_account()
    label = make_label(account)
    contact = make_contact(account, label)
    campaign = make_campaign(account, label)

    with caplog.at_level(logging.INFO):
        carry_out(campaign)

    expected = (
        f"[API Campaign] Created conversation 1 for contact {contact.id} in campaign {campaign.id}"
    )
    assert expected in caplog.messages


def test_a_failure_is_logged_as_the_specification_says(
    session: Session, carry_out: CarryOut, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = make_ready(contacts=1, message="{{ 1 | divided_by: 0 }}")

    carry_out(campaign)

    contact_id = session.scalars(select(CampaignRecipient.contact_id)).one()
    beginning = f"[API Campaign] Failed to create conversation for contact {contact_id}: "
    assert any(message.startswith(beginning) for message in caplog.messages)


def test_two_workers_share_the_batches_of_a_campaign(app: Flask, session: Session) -> None:
    app.config["BATCH_SIZE"], before = 2, app.config["BATCH_SIZE"]
    execute_campaign(make_ready(contacts=4).id)
    app.config["BATCH_SIZE"] = before

    first = leases.take_batch(db.session(), "first", 20)
    second = leases.take_batch(db.session(), "second", 20)

    assert first is not None
    assert second is not None
    assert first.batch_id != second.batch_id
    assert not set(first.numbers) & set(second.numbers)
