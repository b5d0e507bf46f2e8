"""What is asked often, or while campaigns run, reads no large table from end to end.

The statements are those that the functions themselves give to the database, caught on their way.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from psycopg import Pipeline
from sqlalchemy import Connection, event, func, select, text, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns import leases, sending_ledger
from campaigns_app.campaigns.cancelling import cancel_next_batch
from campaigns_app.campaigns.checking.check import count_broken
from campaigns_app.campaigns.delivery import BatchRun, Pace
from campaigns_app.campaigns.interrupted import settle_interrupted
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.receipt_matching import Told, match_recipients
from campaigns_app.campaigns.report import list_campaigns, list_recipients
from campaigns_app.campaigns.results import Result
from campaigns_app.campaigns.sending_ledger import News, Wish, write_down
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.campaigns.sweep import sweep
from campaigns_app.channels.provider import EventKind, ProviderEvent
from campaigns_app.channels.registry import get_channels
from campaigns_app.channels.telegram import TelegramChannel
from campaigns_app.contacts.models import Contact, Label
from campaigns_app.conversations.models import Conversation, Message
from campaigns_app.database.bulk import refresh_statistics
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.metrics import readings
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.webhooks.condition import read_backlog
from campaigns_app.webhooks.jobs import enqueue_due_deliveries
from campaigns_app.webhooks.log import LogFilter, read_log
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from tests.factories import LONG_AGO, make_campaign
from tests.webhooks.scenes import claim

CONTACTS = 20_000
FEW = 20
LARGE = {
    model.__tablename__
    for model in (
        CampaignRecipient,
        Contact,
        Conversation,
        Message,
        WebhookDelivery,
        WebhookEvent,
    )
}

WAITING = "ix_webhook_deliveries_due"
"""An index of what is waiting only, which may be read from its beginning."""

Statement = tuple[str, Any]


@pytest.fixture
def account(session: Session) -> Account:
    """An account with 20,000 contacts, a finished campaign for all of them whose webhooks were
    delivered, one for all of them that is running, and one for a few of them that is due."""
    session.get_one(Campaign, make_due_campaign(session, CONTACTS)).title = "finished"
    account = session.scalars(select(Account)).one()
    everybody = session.scalars(select(Label)).one()
    execute_campaign(session.scalars(select(Campaign.id)).one())
    _send_all(session)
    running = make_campaign(account, everybody, title="running", inbox_id=_inbox_id(session))
    few = Label(account_id=account.id, title="few")
    session.add(few)
    session.flush()
    _label(session, few.id)
    execute_campaign(running.id)
    make_campaign(account, few, title="due", inbox_id=_inbox_id(session))
    refresh_statistics(session, *(one.class_ for one in Contact.registry.mappers))
    session.commit()
    return account


def _inbox_id(session: Session) -> int:
    return session.scalars(select(Campaign.inbox_id).limit(1)).one()


def _send_all(session: Session) -> None:
    """What a run would have left behind, written at once."""
    for statement in (
        "UPDATE campaign_recipients SET state = 'sent', sent_at = :now",
        "UPDATE campaign_batches SET sent = total, pending = 0, finished_at = :now",
        "UPDATE campaigns SET finished_at = :now",
        "INSERT INTO conversations (account_id, inbox_id, contact_id, campaign_id, display_id,"
        " uuid, status, additional_attributes, custom_attributes, last_activity_at, created_at,"
        " updated_at) SELECT r.account_id, c.inbox_id, r.contact_id, r.campaign_id, -r.id, 'uuid',"
        " 'open', '{}', '{}', :now, :now, :now"
        " FROM campaign_recipients r JOIN campaigns c ON c.id = r.campaign_id",
        "INSERT INTO webhook_events (account_id, campaign_id, conversation_id, uid, type, payload,"
        " created_at) SELECT account_id, campaign_id, id, 'sent ' || id, 'message_created', '{}',"
        " :now FROM conversations",
        "INSERT INTO webhook_deliveries (account_id, event_id, endpoint_id, state, attempts,"
        " next_attempt_at, created_at) SELECT e.account_id, e.id, w.id, 'delivered', 1,"
        " :now, :now FROM webhook_events e CROSS JOIN webhook_endpoints w",
    ):
        session.execute(text(statement), {"now": "2026-01-01 00:00:00.000000"})
    session.commit()


def _label(session: Session, label_id: int) -> None:
    session.execute(
        text(
            "INSERT INTO contact_labels (label_id, contact_id, account_id)"
            " SELECT :label, id, account_id FROM contacts WHERE id % :every = 0"
        ),
        {"label": label_id, "every": CONTACTS // FEW},
    )
    session.commit()


def test_no_hot_statement_reads_a_large_table_from_end_to_end(
    app: Flask, session: Session, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What goes to the server in one trip goes past SQLAlchemy, which could not be listened to.
    monkeypatch.setattr(Pipeline, "is_supported", lambda: False)
    found = {
        name: bad
        for name, act in hot_paths(session, account)
        if (bad := [line for one in caught(act) for line in full_scans(session, one)])
    }

    assert found == {}


def hot_paths(session: Session, account: Account) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is done often: each is called before the next is asked for, in this order."""
    campaigns = {one.title: one for one in session.scalars(select(Campaign))}
    channels = get_channels()
    finished, running = campaigns["finished"], campaigns["running"]
    yield "campaigns page", lambda: list_campaigns(account.id, search="n", page=1)
    for state in (None, "sent", "pending", "failed", "skipped"):
        yield f"recipients {state}", partial(list_recipients, running, state=state)
        yield f"finished {state}", partial(list_recipients, finished, state=state)
    yield "sweep", sweep
    yield "start", lambda: execute_campaign(campaigns["due"].id)
    yield "batch", lambda: _work_on_batch(session)
    yield "provider batch", lambda: _send_some(session)
    yield "webhooks due", enqueue_due_deliveries
    yield "webhooks claim", lambda: claim(session, "worker", 500)
    endpoint = session.scalars(select(WebhookEndpoint).limit(1)).one()
    for wanted in (LogFilter(), LogFilter(state="failed"), LogFilter(event_type="contact_created")):
        yield f"webhook log {wanted}", partial(read_log, endpoint, wanted)
    yield "cheap checks", lambda: count_broken(session, channels)
    yield "metrics", lambda: _read_metrics(session)
    yield "interrupted", lambda: settle_interrupted(session, _interrupt(session))
    yield "cancel", lambda: _cancel(session, running)


def test_who_writes_from_a_chat_is_found_by_its_index(
    app: Flask, session: Session, account: Account
) -> None:
    reply = ProviderEvent("reply", EventKind.REPLIED, utcnow(), address="4711", text="Thanks")
    inbox_id = _inbox_id(session)
    told = Told(1, account.id, inbox_id, utcnow(), reply, TelegramChannel())

    [statement] = caught(lambda: match_recipients(session, [told]))

    assert "ix_contacts_telegram_chat_id" in _plan_of(session, statement)


def _plan_of(session: Session, statement: Statement) -> str:
    explain = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}[db.engine.dialect.name]
    rows = session.connection().exec_driver_sql(f"{explain} {statement[0]}", statement[1])
    return "\n".join(str(row[-1]) for row in rows)


def _work_on_batch(session: Session) -> None:
    lease = leases.take_batch(session, "worker", 20)
    assert lease is not None
    # One recipient who is left out, for the statement that says so.
    session.execute(
        update(Contact).where(Contact.id == lease.first_contact_id).values(blocked=True)
    )
    session.commit()
    BatchRun(session, get_channels(), lease, Pace(250, 20)).finish()


def _send_some(session: Session) -> None:
    """As a provider's run does, of whom one is left out."""
    lease = leases.take_batch(session, "worker", 20, numbered=False)
    assert lease is not None
    session.execute(
        update(Contact).where(Contact.id == lease.first_contact_id).values(blocked=True)
    )
    rows = sending_ledger.due_recipients(session, lease, Wish(50))
    ids = [row.recipient_id for row in rows]
    # Of all channels the one whose contacts can be suppressed by the most names.
    channel = TelegramChannel()
    news = News([], contact_ids=ids, next_ones=Wish(50, ids))
    begun = write_down(session, lease, 20, channel, news).begun
    results = [Result(one, RecipientState.SENT, provider_message_id="x") for one in begun]
    write_down(session, lease, 20, channel, News(results))
    sending_ledger.next_due(session, lease)
    session.commit()


def _read_metrics(session: Session) -> None:
    for read in (
        readings.count_phases,
        readings.read_batches,
        readings.read_due,
    ):
        read(session)
    read_backlog(session, utcnow())


def _interrupt(session: Session) -> int:
    return session.scalars(
        update(CampaignBatch)
        .where(
            CampaignBatch.id
            == select(func.max(CampaignBatch.id))
            .where(CampaignBatch.finished_at.is_(None))
            .scalar_subquery()
        )
        .values(lease_expires_at=LONG_AGO)
        .returning(CampaignBatch.id)
        .execution_options(synchronize_session=False)
    ).one()


def _cancel(session: Session, campaign: Campaign) -> None:
    campaign.cancelled_at = utcnow()
    session.commit()
    cancel_next_batch(session)


def caught(act: Callable[[], object]) -> list[Statement]:
    """The different statements that the database gets while `act` is called."""
    statements: dict[str, Any] = {}

    def note(*call: Any) -> None:
        statement, parameters, is_many = call[2], call[3], call[5]
        statements.setdefault(statement, parameters[0] if is_many else parameters)

    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        db.session.rollback()
    kinds = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    return [one for one in statements.items() if one[0].startswith(kinds)]


def full_scans(session: Session, statement: Statement) -> list[str]:
    """The steps of the statement's plan that read a whole large table, each with the statement."""
    text, parameters = statement
    connection = session.connection()
    find = _scans_of_postgresql if connection.dialect.name == "postgresql" else _scans_of_sqlite
    steps = [f"{step} in {text}" for step in find(connection, text, parameters)]
    session.rollback()
    return steps


def _scans_of_sqlite(connection: Connection, statement: str, parameters: Any) -> Iterator[str]:
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
        reads_all = row.detail.startswith("SCAN ") and row.detail.split()[1] in LARGE
        if reads_all and not row.detail.endswith(f" {WAITING}"):
            yield row.detail


def _scans_of_postgresql(connection: Connection, statement: str, parameters: Any) -> Iterator[str]:
    explain = f"EXPLAIN (FORMAT JSON) {statement}"
    (plan,) = connection.exec_driver_sql(explain, parameters).scalar_one()
    for step in _steps(plan["Plan"]):
        if step["Node Type"] == "Seq Scan" and step["Relation Name"] in LARGE:
            yield f"{step['Node Type']} of {step['Relation Name']}"


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for step in plan.get("Plans", []):
        yield from _steps(step)
