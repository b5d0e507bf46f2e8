"""Whoever was being sent to when a worker vanished is unknown, and is not sent to again."""

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns import leases
from campaigns_app.campaigns.interrupted import settle_interrupted, settle_predecessors
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.campaigns.sweep import sweep
from campaigns_app.conversations.models import Conversation
from campaigns_app.errors import StaleLease
from tests.factories import make_account, make_campaign, make_contact, make_label


@pytest.fixture
def campaign_id(app: Flask, session: Session) -> int:
    """A campaign for two, one of whom is being sent to."""
    account = make_account()
    label = make_label(account)
    contact, _ = make_contact(account, label), make_contact(account, label)
    campaign_id = make_campaign(account, label).id
    execute_campaign(campaign_id)
    session.execute(
        update(CampaignRecipient)
        .where(CampaignRecipient.contact_id == contact.id)
        .values(state=RecipientState.SENDING.value)
    )
    session.execute(update(CampaignBatch).values(sending=1, pending=1))
    session.commit()
    return campaign_id


def test_the_sweep_calls_them_unknown_and_the_rest_goes_on(
    session: Session, campaign_id: int
) -> None:
    sweep()
    deliver_batches()

    assert count_states(campaign_id) == Counts(total=2, sent=1, unknown=1)
    unknown = select(CampaignRecipient).where(CampaignRecipient.state == RecipientState.UNKNOWN)
    assert session.scalars(unknown).one().reason == Reason.INTERRUPTED
    assert len(session.scalars(select(Conversation)).all()) == 1


def test_whoever_is_held_by_a_live_worker_is_left_to_it(session: Session, campaign_id: int) -> None:
    lease = leases.take_batch(session, "worker", lease_seconds=20)
    assert lease is not None

    sweep()
    settle_interrupted(session, lease.batch_id)

    assert count_states(campaign_id) == Counts(total=2, pending=1, sending=1)


def test_a_worker_that_was_only_asleep_is_locked_out(session: Session, campaign_id: int) -> None:
    lease = leases.take_batch(session, "sleeper", lease_seconds=-1)
    assert lease is not None

    sweep()

    with pytest.raises(StaleLease):
        leases.hold(session, lease)


def test_settling_again_changes_nothing(session: Session, campaign_id: int) -> None:
    batch_id = session.scalars(select(CampaignBatch.id)).one()

    for _ in range(3):
        settle_interrupted(session, batch_id)

    assert count_states(campaign_id) == Counts(total=2, pending=1, unknown=1)


def test_who_takes_a_batch_over_settles_those_of_the_one_before(
    session: Session, campaign_id: int
) -> None:
    lease = leases.take_batch(session, "successor", lease_seconds=20)
    assert lease is not None

    for _ in range(2):
        settle_predecessors(session, lease)

    assert count_states(campaign_id) == Counts(total=2, pending=1, unknown=1)
    leases.hold(session, lease)


def test_who_has_lost_the_batch_settles_nobody(session: Session, campaign_id: int) -> None:
    lost = leases.take_batch(session, "sleeper", lease_seconds=-1)
    assert lost is not None
    leases.take_batch(session, "successor", lease_seconds=20)

    with pytest.raises(StaleLease):
        settle_predecessors(session, lost)
