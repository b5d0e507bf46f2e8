"""What goes wrong beside a campaign ends in a stated outcome, and loses nobody."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import Connection, event, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from campaigns_app.campaigns.checking.check import check_campaigns
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.channels.base import Addressee, Origin
from campaigns_app.channels.conversation import ApiChannel
from campaigns_app.channels.registry import EXTENSION, ChannelRegistry, get_channels
from campaigns_app.contacts import labels
from campaigns_app.contacts.models import Label
from campaigns_app.contacts.service import delete_contact
from campaigns_app.conversations.models import ContactInbox
from campaigns_app.errors import Refused
from campaigns_app.extensions import db
from campaigns_app.inboxes.service import delete_inbox, enable_inbox
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from campaigns_app.webhooks.service import delete_endpoint
from tests.factories import (
    LONG_AGO,
    make_account,
    make_campaign,
    make_contact,
    make_endpoint,
    make_label,
)
from tests.webhooks.scenes import claim

CONTACTS = 6
ALL_SENT = Counts(total=CONTACTS, sent=CONTACTS)

Act = Callable[[], object]


@pytest.fixture
def campaign(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign for six contacts that has started; its one batch is sent in three chunks."""
    monkeypatch.setitem(app.config, "CHUNK_SIZE", 2)
    account = make_account()
    label = make_label(account, "vip")
    for _ in range(CONTACTS):
        make_contact(account, label)
    campaign = make_campaign(account, label)
    execute_campaign(campaign.id)
    return campaign


@pytest.fixture
def in_chunk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[Act], None]:
    """Has something done by somebody else in the middle of the next chunk, once: after it has
    looked at contacts and subscribers, before it writes.

    For tests on PostgreSQL: SQLite lets nobody else write during a chunk, whoever wants to waits.
    """

    def arrange(act: Act) -> None:
        registry = ChannelRegistry()
        registry.register(_Disturbed(act))
        monkeypatch.setitem(app.extensions, EXTENSION, registry)

    return arrange


class _Disturbed(ApiChannel):
    """The API channel, with something that happens before its first chunk is written."""

    def __init__(self, act: Act) -> None:
        self._acts = [act]

    def deliver(
        self,
        session: Session,
        origin: Origin,
        addressees: Sequence[Addressee],
        numbers: Sequence[int],
        now: datetime,
    ) -> None:
        """Let it happen, then deliver."""
        if self._acts:
            self._acts.pop()()
        super().deliver(session, origin, addressees, numbers, now)


@contextmanager
def after_a_chunk(act: Act) -> Iterator[None]:
    """In the block, `act` happens once, between the first chunk and the second."""
    # The first commit takes the batch, the second is the first chunk's.
    commits = count(1)

    def look(_: Session) -> None:
        if next(commits) == 2:
            act()

    event.listen(db.session, "after_commit", look)
    try:
        yield
    finally:
        event.remove(db.session, "after_commit", look)


def elsewhere(*statements: str, **values: object) -> None:
    """Execute statements in a transaction of somebody else."""
    with db.engine.begin() as connection:
        for statement in statements:
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(text(statement), used)


def first_contact(session: Session) -> int:
    contact_id = session.scalars(select(func.min(CampaignRecipient.contact_id))).one()
    session.rollback()
    return contact_id


def broken(session: Session) -> list[str]:
    verdicts = check_campaigns(session, get_channels())
    return [verdict.promise.name for verdict in verdicts if not verdict.holds]


def expire_leases(session: Session) -> None:
    session.execute(update(CampaignBatch).values(lease_expires_at=LONG_AGO))
    session.commit()


def test_a_contact_deleted_after_its_turn_changes_nothing(
    session: Session, campaign: Campaign
) -> None:
    account, gone = campaign.account, first_contact(session)

    with after_a_chunk(lambda: None):
        deliver_batches()
    delete_contact(account, gone, actor=None)

    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


@pytest.mark.only_on("postgresql")
def test_a_contact_deleted_while_its_chunk_is_written_is_skipped(
    session: Session, campaign: Campaign, in_chunk: Callable[[Act], None]
) -> None:
    gone = first_contact(session)
    in_chunk(lambda: elsewhere("DELETE FROM contacts WHERE id = :id", id=gone))

    deliver_batches()

    skipped = session.scalars(select(CampaignRecipient).filter_by(state="skipped")).one()
    assert (skipped.contact_id, skipped.reason) == (gone, "contact_deleted")
    assert count_states(campaign.id) == Counts(total=CONTACTS, sent=CONTACTS - 1, skipped=1)
    assert broken(session) == []


def test_a_label_renamed_meanwhile_changes_nobodys_turn(
    session: Session, campaign: Campaign
) -> None:
    label_id = session.scalars(select(Label.id)).one()

    with after_a_chunk(lambda: elsewhere("UPDATE labels SET title = 'gold'")):
        deliver_batches()

    assert labels.get_label(campaign.account_id, label_id).title == "gold"
    assert count_states(campaign.id) == ALL_SENT


def test_a_label_deleted_meanwhile_changes_nobodys_turn(
    session: Session, campaign: Campaign
) -> None:
    with after_a_chunk(lambda: elsewhere("DELETE FROM labels")):
        deliver_batches()

    assert session.scalars(select(Label)).all() == []
    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


def test_an_inbox_cannot_be_deleted_while_a_campaign_uses_it(
    session: Session, campaign: Campaign
) -> None:
    with pytest.raises(Refused):
        delete_inbox(campaign.account_id, campaign.inbox_id)

    deliver_batches()

    assert count_states(campaign.id) == ALL_SENT


def test_a_disabled_inbox_holds_its_campaign_until_it_is_enabled(
    session: Session, campaign: Campaign
) -> None:
    with after_a_chunk(lambda: elsewhere("UPDATE inboxes SET enabled = false")):
        deliver_batches()
    held = count_states(campaign.id)

    enable_inbox(campaign.account_id, campaign.inbox_id, enabled=True)
    deliver_batches()

    assert held == Counts(total=CONTACTS, sent=2, pending=CONTACTS - 2)
    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


def test_a_message_that_fails_in_the_middle_of_a_chunk_costs_no_number(
    session: Session, campaign: Campaign
) -> None:
    elsewhere(
        "UPDATE campaigns SET message = '{{ 10 | divided_by: contact.custom_attribute.n }}'",
        """UPDATE contacts SET custom_attributes = '{"n": 2}'""",
        """UPDATE contacts SET custom_attributes = '{"n": 0}' WHERE id = :second""",
        second=first_contact(session) + 1,
    )

    deliver_batches()

    numbers = session.scalars(text("SELECT display_id FROM conversations ORDER BY id")).all()
    assert numbers == [1, 2, 3, 4, 5]
    assert count_states(campaign.id) == Counts(total=CONTACTS, sent=CONTACTS - 1, failed=1)
    assert broken(session) == []


@pytest.mark.only_on("postgresql")
def test_a_contact_inbox_made_by_another_campaign_meanwhile_is_found(
    session: Session, campaign: Campaign, in_chunk: Callable[[Act], None]
) -> None:
    contact_id, inbox_id = first_contact(session), campaign.inbox_id
    in_chunk(
        lambda: elsewhere(
            "INSERT INTO contact_inboxes"
            " (contact_id, inbox_id, source_id, hmac_verified, created_at, updated_at)"
            " VALUES (:contact, :inbox, 'made first', false, now(), now())",
            contact=contact_id,
            inbox=inbox_id,
        )
    )

    deliver_batches()

    found = select(ContactInbox.source_id).where(ContactInbox.contact_id == contact_id)
    assert session.scalars(found).all() == ["made first"]
    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


def test_an_endpoint_deleted_meanwhile_takes_along_what_waits_for_it_only(
    session: Session, campaign: Campaign
) -> None:
    doomed, other = make_endpoint(campaign.account), make_endpoint(campaign.account)
    account_id, doomed_id, other_id = campaign.account_id, doomed.id, other.id

    with after_a_chunk(
        lambda: elsewhere("DELETE FROM webhook_endpoints WHERE id = :id", id=doomed_id)
    ):
        deliver_batches()

    waiting = session.scalars(select(WebhookDelivery.endpoint_id)).all()
    assert waiting == [other_id] * CONTACTS * 2
    assert count_states(campaign.id) == ALL_SENT
    delete_endpoint(account_id, other_id)
    assert claim(session, "worker", 100) == []
    assert session.scalar(select(func.count()).select_from(WebhookEvent)) == CONTACTS * 2


@pytest.mark.only_on("postgresql")
def test_an_endpoint_deleted_while_a_chunk_is_written_spoils_nobodys_conversation(
    session: Session, campaign: Campaign, in_chunk: Callable[[Act], None]
) -> None:
    make_endpoint(campaign.account)
    in_chunk(lambda: elsewhere("DELETE FROM webhook_endpoints"))

    deliver_batches()

    assert session.scalars(select(WebhookEndpoint)).all() == []
    assert session.scalars(select(WebhookEvent)).all() == []
    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


@pytest.mark.only_on("sqlite")
def test_a_full_disk_stops_the_batch_and_nothing_is_lost(
    session: Session, campaign: Campaign
) -> None:
    elsewhere("UPDATE campaigns SET message = :long", long="It takes room. " * 1000)
    with full_disk(), pytest.raises(OperationalError, match="database or disk is full"):
        deliver_batches()
    stopped = count_states(campaign.id)

    deliver_batches()

    assert stopped == Counts(total=CONTACTS, pending=CONTACTS)
    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


@contextmanager
def full_disk() -> Iterator[None]:
    """In the block, the file of the database has no room left and cannot grow."""
    db.session.rollback()
    with closing(sqlite3.connect(str(db.engine.url.database))) as connection:
        connection.execute("VACUUM")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    with setting("max_page_count", pages):
        yield


@contextmanager
def setting(name: str, value: int) -> Iterator[None]:
    """In the block, every connection to SQLite has `value` for the setting called `name`."""

    def apply(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA {name} = {value}")

    event.listen(db.engine, "checkout", apply)
    try:
        yield
    finally:
        event.remove(db.engine, "checkout", apply)
        db.session.rollback()
        db.engine.dispose()


@pytest.mark.only_on("sqlite")
def test_a_locked_database_stops_the_batch_and_nothing_is_lost(
    session: Session, campaign: Campaign
) -> None:
    locker = sqlite3.connect(str(db.engine.url.database), isolation_level=None)
    with (
        closing(locker),
        setting("busy_timeout", 50),
        after_a_chunk(lambda: locker.execute("BEGIN IMMEDIATE")),
        pytest.raises(OperationalError, match="database is locked"),
    ):
        deliver_batches()
    assert count_states(campaign.id) == Counts(total=CONTACTS, sent=2, pending=CONTACTS - 2)

    expire_leases(session)
    deliver_batches()

    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


@pytest.mark.only_on("postgresql")
def test_a_deadlock_is_nobodys_fault(
    session: Session, campaign: Campaign, in_chunk: Callable[[Act], None]
) -> None:
    contact_id, batch_id = first_contact(session), session.scalars(select(CampaignBatch.id)).one()
    with ThreadPoolExecutor(1) as threads, db.engine.connect() as other:
        # So that it is the chunk that PostgreSQL gives up.
        other.execute(text("SET LOCAL deadlock_timeout = '1h'"))

        def cross() -> None:
            other.execute(
                text("SELECT 1 FROM contacts WHERE id = :id FOR UPDATE"), {"id": contact_id}
            )
            threads.submit(ask_for_batch, other, batch_id)

        in_chunk(cross)
        with pytest.raises(OperationalError, match="deadlock detected"):
            deliver_batches()
    assert count_states(campaign.id) == Counts(total=CONTACTS, pending=CONTACTS)

    deliver_batches()

    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


def ask_for_batch(connection: Connection, batch_id: int) -> None:
    """Wait for the batch that a chunk holds, and let go of everything as soon as it is there."""
    statement = text("UPDATE campaign_batches SET total = total WHERE id = :id")
    connection.execute(statement, {"id": batch_id})
    connection.rollback()


@pytest.mark.only_on("postgresql")
def test_a_serialization_failure_is_nobodys_fault(
    session: Session, campaign: Campaign, in_chunk: Callable[[Act], None]
) -> None:
    touch = "UPDATE campaign_recipients SET error = NULL WHERE contact_id = :id"
    contact_id = first_contact(session)
    in_chunk(lambda: elsewhere(touch, id=contact_id))

    with strictly_isolated(), pytest.raises(OperationalError, match="could not serialize"):
        deliver_batches()
    assert count_states(campaign.id) == Counts(total=CONTACTS, pending=CONTACTS)
    deliver_batches()

    assert count_states(campaign.id) == ALL_SENT
    assert broken(session) == []


@contextmanager
def strictly_isolated() -> Iterator[None]:
    """In the block, transactions are isolated as an operator may have set it for the database."""

    def isolate(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    event.listen(db.engine, "begin", isolate)
    try:
        yield
    finally:
        event.remove(db.engine, "begin", isolate)
