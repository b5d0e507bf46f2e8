"""What is broken is found and told, and what can be right in one way only is mended."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import Connection, event, select, text, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns import leases
from campaigns_app.campaigns.checking.check import check_campaigns, count_broken
from campaigns_app.campaigns.checking.repair import repair_campaigns
from campaigns_app.campaigns.delivery import BatchRun, Pace
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.states import Phase
from campaigns_app.channels.registry import get_channels
from campaigns_app.cli import cli
from campaigns_app.conversations.models import Message
from campaigns_app.database.engine import READS_ONLY
from campaigns_app.database.transactions import snapshot
from campaigns_app.extensions import db
from tests.campaigns.test_delivery import Died, dying_at_commit
from tests.factories import LONG_AGO, make_account, make_campaign, make_contact, make_label

CarryOut = Callable[[Campaign], None]

FIRST = "(SELECT min(contact_id) FROM campaign_recipients)"
"""What `:first` stands for in a statement."""


@pytest.fixture
def finished(app: Flask, carry_out: CarryOut) -> Campaign:
    """A campaign that three contacts have received."""
    campaign = make_ready()
    carry_out(campaign)
    return campaign


def make_ready(contacts: int = 3, account: Account | None = None) -> Campaign:
    account = account or make_account()
    label = make_label(account)
    for _ in range(contacts):
        make_contact(account, label)
    return make_campaign(account, label)


def broken(session: Session) -> set[str]:
    verdicts = check_campaigns(session, get_channels())
    return {verdict.promise.name for verdict in verdicts if not verdict.holds}


def run(session: Session, *statements: str) -> None:
    for statement in statements:
        values = {"long_ago": LONG_AGO} if ":long_ago" in statement else {}
        session.execute(text(statement.replace(":first", FIRST)), values)
    session.commit()


def test_everything_holds_of_a_finished_campaign(session: Session, finished: Campaign) -> None:
    assert broken(session) == set()


def test_everything_holds_of_one_that_has_not_started(session: Session) -> None:
    make_ready()

    assert broken(session) == set()


def test_everything_holds_when_contacts_are_deleted_afterwards(
    session: Session, finished: Campaign
) -> None:
    run(session, "DELETE FROM contacts")

    assert broken(session) == set()


def test_everything_holds_at_every_commit_of_a_running_campaign(
    app: Flask, session: Session
) -> None:
    campaign = make_ready(contacts=7)
    execute_campaign(campaign.id)
    seen: list[set[str]] = []

    def look(_: Session) -> None:
        with Session(db.engine) as another:
            seen.append(broken(another))

    event.listen(db.session, "before_commit", look)
    try:
        work_on(session, chunk_size=2)
    finally:
        event.remove(db.session, "before_commit", look)

    assert len(seen) > 4
    assert set().union(*seen) == set()


def test_a_campaign_that_goes_on_during_the_check_raises_no_alarm(
    app: Flask, session: Session
) -> None:
    campaign = make_ready(contacts=20)
    execute_campaign(campaign.id)
    lease = leases.take_batch(session, "worker", lease_seconds=20)
    assert lease is not None
    worker = BatchRun(session, get_channels(), lease, Pace(1, 20))

    def deliver_to_one_more(connection: Connection, *call: object) -> None:
        if connection.get_execution_options().get(READS_ONLY) and "BEGIN" not in str(call[1]):
            with dying_at_commit(2), suppress(Died):
                worker.finish()

    event.listen(db.engine, "before_cursor_execute", deliver_to_one_more)
    try:
        with Session(db.engine) as another:
            found = broken(another)
    finally:
        event.remove(db.engine, "before_cursor_execute", deliver_to_one_more)

    assert count_states(campaign.id).sent > 10
    assert found == set()


def work_on(session: Session, chunk_size: int) -> None:
    lease = leases.take_batch(session, "worker", lease_seconds=20)
    assert lease is not None
    BatchRun(session, get_channels(), lease, Pace(chunk_size, 20)).finish()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (
            ["UPDATE campaign_batches SET sent = sent - 1"],
            {"counters_sum_to_total", "counters_match_the_ledger"},
        ),
        (
            ["UPDATE campaign_batches SET sent = sent - 1, failed = failed + 1"],
            {"counters_match_the_ledger"},
        ),
        (["DELETE FROM campaign_batches"], {"every_recipient_is_in_one_batch"}),
        (
            [
                "UPDATE campaign_recipients SET state = 'pending' WHERE contact_id = :first",
                "UPDATE campaign_batches SET sent = sent - 1, pending = 1, finished_at = NULL",
                "UPDATE campaigns SET finished_at = NULL",
            ],
            {"nobody_pending_has_a_conversation", "conversations_are_as_many_as_sent"},
        ),
        (
            ["DELETE FROM conversations WHERE contact_id = :first"],
            {
                "everybody_sent_to_has_a_conversation",
                "conversations_are_as_many_as_sent",
                "no_contact_inbox_is_orphaned",
            },
        ),
        (
            [
                "DELETE FROM conversations WHERE contact_id = :first",
                "DELETE FROM contacts WHERE id = :first",
            ],
            {"conversations_are_as_many_as_sent"},
        ),
        (
            [
                "UPDATE campaign_recipients SET state = 'failed', sent_at = NULL"
                " WHERE contact_id = :first",
                "UPDATE campaign_batches SET sent = sent - 1, failed = 1",
            ],
            {"every_conversation_is_of_somebody_sent_to", "conversations_are_as_many_as_sent"},
        ),
        (
            ["DELETE FROM messages WHERE id = (SELECT min(id) FROM messages)"],
            {"each_conversation_has_one_first_message"},
        ),
        (
            [
                "UPDATE messages SET conversation_id = (SELECT min(id) FROM conversations)"
                " WHERE id = (SELECT max(id) FROM messages)"
            ],
            {"each_conversation_has_one_first_message"},
        ),
        (["UPDATE campaign_batches SET finished_at = NULL"], {"finished_campaigns_are_done"}),
        (
            ["UPDATE campaign_batches SET sent = sent - 1, pending = 1"],
            {"counters_match_the_ledger", "finished_batches_are_done"},
        ),
        (
            [
                "UPDATE campaigns SET finished_at = NULL, started_at = :long_ago",
                "UPDATE campaign_batches SET finished_at = :long_ago",
            ],
            {"campaigns_that_are_done_are_finished"},
        ),
    ],
)
def test_what_is_broken_is_found(
    session: Session, finished: Campaign, damage: list[str], found: set[str]
) -> None:
    run(session, *damage)

    assert broken(session) == found


def test_a_recipient_left_in_the_middle_of_sending_is_found(session: Session) -> None:
    execute_campaign(make_ready().id)
    session.execute(update(CampaignRecipient).values(state="sending", updated_at=LONG_AGO))
    session.execute(update(CampaignBatch).values(sending=3, pending=0))
    session.commit()

    assert broken(session) == {"nobody_is_sent_to_without_a_lease"}


def test_a_recipient_being_sent_to_under_a_lease_is_not(session: Session) -> None:
    execute_campaign(make_ready().id)
    assert leases.take_batch(session, "worker", lease_seconds=20) is not None
    session.execute(update(CampaignRecipient).values(state="sending", updated_at=LONG_AGO))
    session.execute(update(CampaignBatch).values(sending=3, pending=0))
    session.commit()

    assert broken(session) == set()


def test_a_later_message_of_the_agent_breaks_nothing(session: Session, finished: Campaign) -> None:
    first = session.scalars(select(Message).limit(1)).one()
    session.add(
        Message(
            account_id=first.account_id,
            inbox_id=first.inbox_id,
            conversation_id=first.conversation_id,
            content="Did it arrive?",
            message_type=first.message_type,
        )
    )
    session.commit()

    assert broken(session) == set()


def test_another_campaigns_damage_is_not_told(session: Session, finished: Campaign) -> None:
    other = make_ready(account=finished.account)
    run(session, "UPDATE campaign_batches SET sent = sent - 1")

    only = {"account_id": other.account_id, "display_id": other.display_id}
    verdicts = check_campaigns(session, get_channels(), **only)

    assert all(verdict.holds for verdict in verdicts)


def test_cheap_promises_are_counted_for_the_metrics(session: Session, finished: Campaign) -> None:
    run(session, "UPDATE campaign_batches SET sent = sent - 1")

    with snapshot(session):
        counts = count_broken(session, get_channels())

    assert counts["counters_sum_to_total"] == 1
    assert sum(counts.values()) == 1


def test_wrong_counters_are_counted_again(session: Session, finished: Campaign) -> None:
    run(session, "UPDATE campaign_batches SET sent = 1, failed = 7, total = 4")

    repairs = repair_campaigns(session, get_channels())

    assert (repairs.sent, repairs.recounted, repairs.finished) == (0, 1, 0)
    assert count_states(finished.id) == Counts(total=3, sent=3)


def test_who_has_the_conversation_already_was_sent_to(session: Session) -> None:
    campaign = make_ready()
    execute_campaign(campaign.id)
    work_on(session, chunk_size=2)
    run(
        session,
        "UPDATE campaign_recipients SET state = 'pending' WHERE contact_id = :first",
        "UPDATE campaign_batches SET pending = 1, sent = 2, finished_at = NULL",
    )

    repairs = repair_campaigns(session, get_channels())

    assert repairs.sent == 1
    assert count_states(campaign.id) == Counts(total=3, sent=3)
    assert broken(session) == set()


def test_a_repaired_campaign_is_carried_on_where_it_was(session: Session, app: Flask) -> None:
    campaign = make_ready(contacts=4)
    execute_campaign(campaign.id)
    run(session, "UPDATE campaign_batches SET pending = 1, sent = 3")

    repair_campaigns(session, get_channels())
    deliver_batches()

    assert count_states(campaign.id) == Counts(total=4, sent=4)
    assert campaign.phase is Phase.FINISHED
    assert broken(session) == set()


def test_a_campaign_that_nobody_marked_is_finished(session: Session, finished: Campaign) -> None:
    run(
        session,
        "UPDATE campaigns SET finished_at = NULL, started_at = :long_ago",
        "UPDATE campaign_batches SET finished_at = :long_ago",
    )

    assert repair_campaigns(session, get_channels()).finished == 1
    assert broken(session) == set()


def test_the_command_ends_well_when_everything_holds(
    runner: FlaskCliRunner, finished: Campaign
) -> None:
    result = runner.invoke(cli, ["check"])

    assert result.exit_code == 0, result.output
    assert "NO" not in result.output


def test_the_command_names_what_is_broken(
    session: Session, runner: FlaskCliRunner, finished: Campaign
) -> None:
    run(session, "UPDATE campaign_batches SET sent = sent - 1")

    result = runner.invoke(cli, ["check", "--json"])

    report = json.loads(result.stdout)
    (wrong, _) = [one for one in report["promises"] if not one["holds"]]
    assert result.exit_code == 1
    assert (report["holds"], report["repaired"]) == (False, None)
    assert (wrong["name"], wrong["broken"]) == ("counters_sum_to_total", 1)
    assert wrong["examples"][0]["campaign_display_id"] == finished.display_id


def test_the_command_repairs_and_says_what_it_did(
    session: Session, runner: FlaskCliRunner, finished: Campaign
) -> None:
    run(session, "UPDATE campaign_batches SET sent = sent - 1")

    result = runner.invoke(cli, ["check", "--repair"])

    assert result.exit_code == 0, result.output
    assert "1 batches counted again" in result.output


def test_what_cannot_be_mended_is_left_alone_with_the_reason(
    session: Session, runner: FlaskCliRunner, finished: Campaign
) -> None:
    run(session, "DELETE FROM messages")

    result = runner.invoke(cli, ["check", "--repair"])

    assert result.exit_code == 1
    assert "Left alone: Each conversation has one first message." in result.output
    assert session.scalars(select(Message)).all() == []


def test_a_campaign_that_does_not_exist_is_a_wrong_argument(
    runner: FlaskCliRunner, finished: Campaign
) -> None:
    result = runner.invoke(cli, ["check", "--campaign", "77"])

    assert result.exit_code == 2
    assert "There is no campaign 77." in result.output


def test_the_page_says_that_the_numbers_do_not_add_up(
    session: Session, admin_client: FlaskClient, account: Account, carry_out: CarryOut
) -> None:
    campaign = make_ready(account=account)
    carry_out(campaign)
    address = f"/campaigns/{campaign.display_id}"
    assert "campaigns check" not in admin_client.get(address).text

    run(session, "UPDATE campaign_batches SET sent = sent - 1")

    command = f"campaigns check --account {account.id} --campaign {campaign.display_id} --repair"
    assert command in admin_client.get(address).text
