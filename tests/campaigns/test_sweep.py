"""The sweep finds in the database whatever the queue forgot."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns import leases
from campaigns_app.campaigns.jobs import execute_campaign, ring_for_batches
from campaigns_app.campaigns.models import Campaign, CampaignBatch
from campaigns_app.campaigns.states import Phase
from campaigns_app.campaigns.sweep import sweep
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.models import Inbox
from campaigns_app.job_queue import CAMPAIGNS, get_queue, get_redis
from tests.factories import make_account, make_campaign, make_contact, make_label


def make_ready(**values: object) -> Campaign:
    account = make_account()
    label = make_label(account)
    make_contact(account, label)
    return make_campaign(account, label, **values)


def rung() -> list[str]:
    return [str(job.func_name).rpartition(".")[2] for job in get_queue(CAMPAIGNS).get_jobs()]


def test_a_due_campaign_that_nobody_started_is_rung_for(app: Flask) -> None:
    make_ready()

    sweep()

    assert rung() == ["execute_campaign"]


def test_a_campaign_of_the_future_is_left_alone(app: Flask) -> None:
    make_ready(scheduled_at=utcnow() + timedelta(hours=1))

    sweep()

    assert rung() == []


def test_batches_whose_job_is_gone_are_rung_for(app: Flask) -> None:
    execute_campaign(make_ready().id)
    get_redis().flushall()

    sweep()

    assert rung() == ["deliver_batches"]


def test_a_batch_in_good_hands_is_left_alone(app: Flask, session: Session) -> None:
    execute_campaign(make_ready().id)
    get_redis().flushall()
    leases.take_batch(session, "worker", lease_seconds=20)

    sweep()

    assert rung() == []


def test_a_paused_campaigns_batches_are_left_alone(app: Flask, session: Session) -> None:
    campaign = make_ready()
    execute_campaign(campaign.id)
    get_redis().flushall()
    campaign.enabled = False
    session.commit()

    sweep()

    assert rung() == []


def test_a_campaign_whose_last_worker_died_before_the_mark_is_finished(
    app: Flask, session: Session
) -> None:
    campaign = make_ready()
    execute_campaign(campaign.id)
    session.execute(update(CampaignBatch).values(finished_at=utcnow(), pending=0, sent=1))
    session.commit()

    sweep()

    assert session.scalars(select(Campaign)).one().phase is Phase.FINISHED


def test_a_due_campaign_goes_before_the_batches_that_wait(app: Flask) -> None:
    execute_campaign(make_ready().id)
    ring_for_batches(8)
    make_ready()

    sweep()

    assert rung()[:2] == ["execute_campaign", "deliver_batches"]


def test_a_disabled_inboxs_batches_are_left_alone(app: Flask, session: Session) -> None:
    execute_campaign(make_ready().id)
    get_redis().flushall()
    session.execute(update(Inbox).values(enabled=False))
    session.commit()

    sweep()

    assert rung() == []


def test_many_sweeps_do_not_fill_the_queue(app: Flask) -> None:
    make_ready()

    for _ in range(30):
        sweep()

    assert len(rung()) < 20
