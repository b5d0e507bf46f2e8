"""What goes wrong in the middle of a turn: nobody is sent to twice, and nobody is lost."""

import asyncio
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from campaigns_app.campaigns import provider_books
from campaigns_app.campaigns.checking.check import check_campaigns
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.sweep import sweep
from campaigns_app.channels.provider import Receipt
from campaigns_app.channels.registry import EXTENSION, ChannelRegistry, get_channels
from campaigns_app.extensions import db
from campaigns_app.rate_budget import BudgetUnreachable, RateBudget
from tests.factories import (
    LONG_AGO,
    make_account,
    make_campaign,
    make_contact,
    make_inbox,
    make_label,
)
from tests.scripted import ScriptedChannel

LONGEST_SECONDS = 20
END_WHO_WAITS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
def campaign_id(app: Flask, scripted: ScriptedChannel, monkeypatch: pytest.MonkeyPatch) -> int:
    """A campaign for six that has started; two are sent to at once."""
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 2)
    account = make_account()
    label = make_label(account)
    for number in range(6):
        make_contact(account, label, phone_number=f"+1415555{number:04d}")
    inbox = make_inbox(account, inbox_type="Scripted", callback_token="token")
    campaign_id = make_campaign(account, label, inbox_id=inbox.id).id
    execute_campaign(campaign_id)
    return campaign_id


def use(app: Flask, channel: ScriptedChannel) -> None:
    app.extensions[EXTENSION] = ChannelRegistry()
    app.extensions[EXTENSION].register(channel)


def broken(session: Session) -> list[str]:
    verdicts = check_campaigns(session, get_channels())
    return [verdict.promise.name for verdict in verdicts if not verdict.holds]


@pytest.mark.only_on("postgresql")
def test_a_connection_lost_in_the_middle_of_a_turn_loses_nothing(
    app: Flask, session: Session, campaign_id: int
) -> None:
    third = select(CampaignRecipient.id).order_by(CampaignRecipient.id).offset(2).limit(1)
    locked = select(CampaignRecipient.id).where(CampaignRecipient.id == session.scalar(third))
    session.rollback()

    class Disturbed(ScriptedChannel):
        """Whose second call ends when the connection that writes the next turn down is lost."""

        async def send(self, *call: Any) -> Receipt:
            receipt = await super().send(*call)
            if len(self.calls) == 2:
                await asyncio.wait_for(self._end_who_waits(), LONGEST_SECONDS)
            return receipt

        async def _end_who_waits(self) -> None:
            while True:
                with db.engine.connect() as other:
                    if other.scalar(END_WHO_WAITS):
                        return holder.rollback()
                await asyncio.sleep(0.001)

    channel = Disturbed()
    use(app, channel)
    with db.engine.connect() as holder:
        holder.execute(locked.with_for_update())

        deliver_provider_batches()

    assert len({message.to for message in channel.calls}) == len(channel.calls) == 6
    assert count_states(campaign_id) == Counts(total=6, sent=6)
    assert broken(session) == []


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turn_of_which_nobody_knows_whether_it_was_written_is_made_up_for(
    app: Flask,
    session: Session,
    campaign_id: int,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    turn: int,
) -> None:
    channel, passed = ScriptedChannel(), []
    use(app, channel)

    def away(here: str) -> None:
        passed.append(here)
        # Twice: the first time that it is made up for, the database is away still.
        if here == point and passed.count(point) in (turn, turn + 1):
            raise OperationalError("", {}, Exception("the connection is lost"))

    monkeypatch.setattr(provider_books, "passing", away)

    deliver_provider_batches()

    assert len({message.to for message in channel.calls}) == len(channel.calls) == 6
    assert count_states(campaign_id) == Counts(total=6, sent=6)
    assert broken(session) == []


def test_what_was_answered_is_kept_whatever_else_goes_wrong(
    app: Flask, session: Session, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, takes = ScriptedChannel(), []
    use(app, channel)
    take = RateBudget.take

    def broken_off(*call: Any) -> Any:
        takes.append(call)
        if len(takes) == 2:
            raise RuntimeError("a bug")
        return take(*call)

    monkeypatch.setattr(RateBudget, "take", broken_off)

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=6, sent=2, pending=4)
    assert broken(session) == []


def test_a_message_that_cannot_be_written_is_that_ones_alone(
    app: Flask, session: Session, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, written = ScriptedChannel(), []
    use(app, channel)

    def units(text: str) -> int:
        written.append(text)
        if len(written) == 5:
            raise ValueError("a bug")
        return 1

    monkeypatch.setattr(channel, "units", units)

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=6, sent=5, failed=1)
    assert broken(session) == []


def test_redis_and_the_database_may_be_away_one_after_the_other(
    app: Flask, session: Session, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, commits = ScriptedChannel(), []
    use(app, channel)
    take = RateBudget.take

    def no_redis(*call: Any) -> Any:
        if channel.calls:
            raise BudgetUnreachable("away")
        return take(*call)

    def no_database(here: str) -> None:
        commits.append(here)
        if channel.calls and here == "before_commit" and commits.count(here) == 2:
            raise OperationalError("", {}, Exception("the connection is lost"))

    monkeypatch.setattr(RateBudget, "take", no_redis)
    monkeypatch.setattr(provider_books, "passing", no_database)

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=6, sent=2, pending=4)
    assert broken(session) == []


def test_where_the_database_stays_away_the_lease_runs_out_and_nobody_is_sent_to_twice(
    app: Flask, session: Session, campaign_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = ScriptedChannel()
    use(app, channel)

    def away(_: str) -> None:
        if channel.calls:
            raise OperationalError("", {}, Exception("the connection is lost"))

    monkeypatch.setitem(app.config, "LEASE_SECONDS", 1)
    with monkeypatch.context() as patched:
        patched.setattr(provider_books, "passing", away)
        deliver_provider_batches()
    session.execute(update(CampaignBatch).values(lease_expires_at=LONG_AGO))
    session.commit()
    sweep()
    deliver_provider_batches()

    assert len({message.to for message in channel.calls}) == len(channel.calls)
    counts = count_states(campaign_id)
    assert (counts.sent + counts.unknown, counts.pending + counts.sending) == (6, 0)
    assert broken(session) == []


def test_a_campaign_paused_between_two_turns_begins_with_nobody_more_until_it_is_resumed(
    app: Flask, session: Session, campaign_id: int
) -> None:
    def switch(*, on: bool) -> None:
        with db.engine.begin() as other:
            other.execute(update(Campaign).values(enabled=on))

    class Pausing(ScriptedChannel):
        """Whose first call finds that somebody pauses the campaign."""

        async def send(self, *call: Any) -> Receipt:
            receipt = await super().send(*call)
            if len(self.calls) == 1:
                switch(on=False)
            return receipt

    channel = Pausing()
    use(app, channel)

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=6, sent=2, pending=4)
    assert session.scalar(select(func.count(CampaignBatch.lease_owner))) == 0
    session.rollback()
    switch(on=True)
    deliver_provider_batches()
    assert len({message.to for message in channel.calls}) == len(channel.calls) == 6
    assert count_states(campaign_id) == Counts(total=6, sent=6)
    assert broken(session) == []
