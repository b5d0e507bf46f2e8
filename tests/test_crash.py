"""A worker killed in the middle of a campaign: nobody is lost, nobody is written to twice."""

import signal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.conversations.models import ContactInbox, Conversation, Message
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.webhooks.models import WebhookEvent
from tests.campaigns.progress import is_finished
from tests.conftest import WORKER, Start
from tests.operations.processes import wait_until

CONTACTS = 1000
PACE = {"BATCH_SIZE": "500", "CHUNK_SIZE": "20", "LEASE_SECONDS": "2", "LOG_LEVEL": "WARNING"}


def test_a_worker_killed_half_way_costs_nobody_anything(start: Start, session: Session) -> None:
    campaign_id = make_due_campaign(session, CONTACTS)
    execute_campaign(campaign_id)
    worker = start(*WORKER, **PACE)
    wait_until(lambda: sent(campaign_id) >= CONTACTS // 10)

    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert 0 < sent(campaign_id) < CONTACTS
    start("sweep", **PACE)
    start(*WORKER, **PACE)
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
