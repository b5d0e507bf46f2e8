"""Pausing, resuming and cancelling, before the start and while sending."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns import leases
from campaigns_app.campaigns.control import cancel_campaign, pause_campaign, resume_campaign
from campaigns_app.campaigns.delivery import BatchRun, Pace
from campaigns_app.campaigns.jobs import (
    close_cancelled_batches,
    deliver_batches,
    execute_campaign,
)
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.states import Phase
from campaigns_app.campaigns.sweep import sweep
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import Refused, StaleLease
from campaigns_app.job_queue import CAMPAIGNS, get_queue, get_redis
from tests.factories import make_account, make_campaign, make_contact, make_label

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def campaign(session: Session) -> Campaign:
    account = make_account()
    label = make_label(account)
    for _ in range(3):
        make_contact(account, label)
    return make_campaign(account, label)


def account_of(campaign: Campaign) -> Account:
    return campaign.account


def pause(campaign: Campaign) -> None:
    pause_campaign(account_of(campaign), campaign.display_id, actor=None)


def resume(campaign: Campaign) -> None:
    resume_campaign(account_of(campaign), campaign.display_id, actor=None, now=NOW)


def cancel(campaign: Campaign) -> None:
    cancel_campaign(account_of(campaign), campaign.display_id, actor=None, now=NOW)


def test_a_paused_campaign_goes_on_where_it_stopped(campaign: Campaign) -> None:
    execute_campaign(campaign.id)
    pause(campaign)
    deliver_batches()
    assert count_states(campaign.id) == Counts(total=3, pending=3)

    resume(campaign)
    deliver_batches()

    assert count_states(campaign.id) == Counts(total=3, sent=3)
    assert campaign.phase is Phase.FINISHED


def test_a_campaign_paused_before_its_time_starts_when_it_is_resumed(campaign: Campaign) -> None:
    pause(campaign)
    execute_campaign(campaign.id)
    assert campaign.phase is Phase.PAUSED

    resume(campaign)

    assert [job.args for job in get_queue(CAMPAIGNS).get_jobs()] == [[campaign.id]]


def test_who_is_left_in_a_cancelled_campaign_is_cancelled(campaign: Campaign) -> None:
    execute_campaign(campaign.id)

    cancel(campaign)
    close_cancelled_batches()

    assert count_states(campaign.id) == Counts(total=3, cancelled=3)
    assert campaign.phase is Phase.CANCELLED


def test_a_worker_in_the_middle_of_a_cancelled_batch_writes_nothing_more(
    campaign: Campaign, session: Session
) -> None:
    execute_campaign(campaign.id)
    lease = leases.take_batch(session, "worker", lease_seconds=20)
    assert lease is not None
    run = BatchRun(session, get_channels(), lease, Pace(chunk_size=1, lease_seconds=20))
    cancel(campaign)
    close_cancelled_batches()

    with pytest.raises(StaleLease):
        run.finish()
    session.rollback()

    assert count_states(campaign.id) == Counts(total=3, cancelled=3)


def test_a_campaign_cancelled_before_its_time_never_starts(campaign: Campaign) -> None:
    cancel(campaign)

    execute_campaign(campaign.id)

    assert campaign.phase is Phase.CANCELLED
    assert count_states(campaign.id) == Counts()


def test_the_sweep_closes_what_the_queue_forgot_to_close(
    campaign: Campaign, session: Session
) -> None:
    execute_campaign(campaign.id)
    cancel(campaign)
    session.rollback()
    get_redis().flushall()

    sweep()

    names = [str(job.func_name).rpartition(".")[2] for job in get_queue(CAMPAIGNS).get_jobs()]
    assert names == ["close_cancelled_batches"]


@pytest.mark.parametrize("deed", [pause, resume, cancel])
def test_asking_again_changes_nothing(campaign: Campaign, deed: Callable[..., Any]) -> None:
    deed(campaign)
    phase = campaign.phase

    deed(campaign)

    assert campaign.phase is phase


@pytest.mark.parametrize("deed", [pause, resume, cancel])
def test_a_finished_campaign_is_left_as_it_is(campaign: Campaign, deed: Callable[..., Any]) -> None:
    execute_campaign(campaign.id)
    deliver_batches()

    with pytest.raises(Refused):
        deed(campaign)

    assert campaign.phase is Phase.FINISHED
