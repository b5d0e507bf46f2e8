"""A worker killed in the middle of a campaign: nobody is lost, nobody is written to twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.conversations.models import ContactInbox, Conversation, Message
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.webhooks.models import WebhookEvent
from tests.conftest import TEST_SETTINGS

CONTACTS = 1000
DEADLINE_SECONDS = 60
PACE = {"BATCH_SIZE": "500", "CHUNK_SIZE": "20", "LEASE_SECONDS": "2", "LOG_LEVEL": "WARNING"}

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(app: Flask) -> Iterator[Start]:
    """Starts a command of `campaigns` as a process of its own, and kills it in the end."""
    environ = {**os.environ, **TEST_SETTINGS, **PACE}
    environ |= {name: app.config[name] for name in ("DATABASE_URL", "REDIS_URL")}

    with ExitStack() as stack:

        def start(*command: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", "campaigns_app", "--parent", str(os.getpid()), *command],
                env=environ,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def test_a_worker_killed_half_way_costs_nobody_anything(start: Start, session: Session) -> None:
    campaign_id = make_due_campaign(session, CONTACTS)
    execute_campaign(campaign_id)
    worker = start("worker", "--queue", "campaigns", "--processes", "1")
    wait_until(lambda: sent(campaign_id) >= CONTACTS // 10)

    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert 0 < sent(campaign_id) < CONTACTS
    start("sweep")
    start("worker", "--queue", "campaigns", "--processes", "1")
    wait_until(lambda: is_finished(campaign_id))

    assert count_states(campaign_id) == Counts(total=CONTACTS, sent=CONTACTS)
    for model in (Conversation, Message, ContactInbox):
        assert session.scalar(select(func.count()).select_from(model)) == CONTACTS
    contacts = select(func.count(Conversation.contact_id.distinct()))
    assert session.scalar(contacts) == CONTACTS
    assert session.scalar(select(func.count()).select_from(WebhookEvent)) == 2 * CONTACTS


def sent(campaign_id: int) -> int:
    with reading(db.session()):
        return count_states(campaign_id).sent


def is_finished(campaign_id: int) -> bool:
    with reading(db.session()) as session:
        finished_at = session.scalar(select(Campaign.finished_at).where(Campaign.id == campaign_id))
        return finished_at is not None


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask the database until `condition` holds; fails when it takes too long."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        db.session.rollback()
        time.sleep(0.01)
