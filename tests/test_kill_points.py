"""A worker that dies, or is stopped, at each point where it matters; another one goes on."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, case, func, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.conversations.models import ContactInbox, Conversation, Message
from campaigns_app.database.clock import database_now
from campaigns_app.database.transactions import reading
from campaigns_app.job_queue import CAMPAIGNS, enqueue
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.pauses import POINTS
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEvent
from tests.campaigns.progress import is_finished
from tests.conftest import WORKER, Start
from tests.operations.processes import is_alive, read_ids, wait_until

CONTACTS = 60
PACE = {"BATCH_SIZE": "30", "CHUNK_SIZE": "10", "LEASE_SECONDS": "1", "LOG_LEVEL": "WARNING"}
ONE_BATCH = PACE | {"BATCH_SIZE": str(CONTACTS)}


def pausing(point: str, ids: Path) -> dict[str, str]:
    """The settings with which a process waits at `point` until `ids`, where it notes itself, is
    removed."""
    return {"CAMPAIGNS_PAUSE_AT": point, "CAMPAIGNS_PAUSE_FILE": str(ids)}


@pytest.mark.parametrize("point", [*POINTS, "before_commit:4", "after_commit:3"])
def test_a_worker_killed_at_any_point_costs_nobody_anything(
    start: Start, session: Session, tmp_path: Path, point: str
) -> None:
    campaign_id = make_due_campaign(session, CONTACTS)
    ids = tmp_path / "ids"
    worker = start(*WORKER, **PACE, **pausing(point, ids))
    enqueue(CAMPAIGNS, execute_campaign, campaign_id)
    wait_until(lambda: read_ids(ids))

    worker.kill()
    wait_until(lambda: not is_alive(read_ids(ids)[0]))
    assert not is_finished(campaign_id)
    start("sweep", **PACE)
    start(*WORKER, **PACE)
    wait_until(lambda: is_finished(campaign_id))

    assert_everybody_was_reached_once(session, campaign_id)


@pytest.mark.parametrize("point", ["after_claim", "after_commit"])
def test_a_worker_stopped_past_its_lease_changes_no_row_when_it_goes_on(
    start: Start, session: Session, tmp_path: Path, point: str
) -> None:
    campaign_id = make_due_campaign(session, CONTACTS)
    sleepers, successors = tmp_path / "sleepers", tmp_path / "successors"
    start(*WORKER, **ONE_BATCH, **pausing(point, sleepers))
    enqueue(CAMPAIGNS, execute_campaign, campaign_id)
    wait_until(lambda: read_ids(sleepers))
    [sleeper] = read_ids(sleepers)
    os.kill(sleeper, signal.SIGSTOP)
    sleepers.unlink()

    start("sweep", **ONE_BATCH)
    start(*WORKER, **ONE_BATCH, **pausing("after_claim", successors))
    wait_until(lambda: read_ids(successors))
    left = ledger(session, campaign_id)
    os.kill(sleeper, signal.SIGCONT)
    wait_until(lambda: not is_alive(sleeper))

    assert ledger(session, campaign_id) == left
    successors.unlink()
    wait_until(lambda: is_finished(campaign_id))
    assert_everybody_was_reached_once(session, campaign_id)


def test_a_worker_stopped_inside_its_transaction_is_not_overtaken(
    start: Start, session: Session, tmp_path: Path
) -> None:
    campaign_id = make_due_campaign(session, CONTACTS)
    sleepers = tmp_path / "sleepers"
    start(*WORKER, **ONE_BATCH, **pausing("before_commit", sleepers))
    enqueue(CAMPAIGNS, execute_campaign, campaign_id)
    wait_until(lambda: read_ids(sleepers))
    [sleeper] = read_ids(sleepers)
    os.kill(sleeper, signal.SIGSTOP)
    sleepers.unlink()

    start(*WORKER, **ONE_BATCH)
    enqueue(CAMPAIGNS, deliver_batches)
    wait_until(lambda: is_past_its_lease(session, campaign_id))
    with reading(session):
        assert count_states(campaign_id) == Counts(total=CONTACTS, pending=CONTACTS)
    os.kill(sleeper, signal.SIGCONT)
    wait_until(lambda: is_finished(campaign_id))

    assert_everybody_was_reached_once(session, campaign_id)


def assert_everybody_was_reached_once(session: Session, campaign_id: int) -> None:
    """Compare what has been written with what should have been."""
    assert count_states(campaign_id) == Counts(total=CONTACTS, sent=CONTACTS)
    assert session.scalar(select(func.count(Conversation.contact_id.distinct()))) == CONTACTS
    expected = {ContactInbox: 1, Conversation: 1, Message: 1, WebhookEvent: 2, WebhookDelivery: 2}
    for model, each in expected.items():
        assert session.scalar(select(func.count()).select_from(model)) == each * CONTACTS


def ledger(session: Session, campaign_id: int) -> list[Row[Any]]:
    """Everything in the ledger of a campaign: its batches and its recipients."""
    with reading(session):
        return [
            row
            for table in (CampaignBatch.__table__, CampaignRecipient.__table__)
            for row in session.execute(
                select(table).where(table.c.campaign_id == campaign_id).order_by(table.c.id)
            )
        ]


def is_past_its_lease(session: Session, campaign_id: int) -> bool:
    """Whether the lease of a batch of the campaign has run out."""
    expired = CampaignBatch.lease_expires_at < database_now()
    of_campaign = select(func.max(case((expired, 1), else_=0))).where(
        CampaignBatch.campaign_id == campaign_id
    )
    with reading(session):
        return bool(session.scalar(of_campaign))
