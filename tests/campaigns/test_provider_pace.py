"""How fast messages leave: many at once, no more than may, and no inbox waits for another."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from redis import RedisError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app import rate_budget
from campaigns_app.accounts.models import Account
from campaigns_app.campaigns import calls, provider_stock
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.refusals import MOST_IN_A_ROW
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.channels.provider import AccountPause, Outcome, Receipt, Retry
from campaigns_app.channels.registry import EXTENSION, ChannelRegistry
from campaigns_app.contacts.models import Contact
from campaigns_app.extensions import db
from campaigns_app.inboxes.halting import halt_inbox
from campaigns_app.inboxes.models import Inbox
from campaigns_app.job_queue import get_redis
from campaigns_app.rate_budget import RateBudget
from tests.factories import make_account, make_campaign, make_contact, make_inbox, make_label
from tests.scripted import ScriptedChannel

LONGEST_SECONDS = 20
"""After this a message that waits for others is given up, and is unknown."""


class PacedChannel(ScriptedChannel):
    """A provider some of whose calls end only when something else has happened."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = self.most_under_way = 0
        self.waits_for: dict[str, int] = {}
        self.called_at: dict[str, list[float]] = {}

    async def send(self, *call: Any) -> Receipt:
        message = call[2]
        self.called_at.setdefault(message.to, []).append(time.monotonic())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            receipt = await super().send(*call)
            await asyncio.wait_for(self._until(message.to), LONGEST_SECONDS)
            return receipt
        finally:
            self.under_way -= 1

    async def _until(self, to: str) -> None:
        """Wait until so many calls have been made as this one is to wait for."""
        while len(self.calls) < self.waits_for.get(to, 0):
            await asyncio.sleep(0.001)


@pytest.fixture
def channel(app: Flask) -> Iterator[PacedChannel]:
    """The provider under test."""
    before = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = ChannelRegistry()
    channel = PacedChannel()
    app.extensions[EXTENSION].register(channel)
    yield channel
    app.extensions[EXTENSION] = before


def start(account: Account, series: int, people: int) -> int:
    """A campaign from an inbox of its own that has started, to so many numbers of a series."""
    label = make_label(account, title=f"series-{series}")
    for number in range(people):
        make_contact(account, label, phone_number=to(series, number))
    inbox = make_inbox(
        account, name=f"Inbox {series}", inbox_type="Scripted", callback_token=f"token-{series}"
    )
    campaign_id = make_campaign(account, label, inbox_id=inbox.id).id
    execute_campaign(campaign_id)
    return campaign_id


def to(series: int, number: int) -> str:
    """A number of the series."""
    return f"+1415{series}55{number:04d}"


@pytest.mark.usefixtures("session")
def test_many_calls_are_under_way_at_once_and_no_more_than_may(
    app: Flask, channel: PacedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 7)
    campaign_id = start(make_account(), 5, 21)
    # Each of these is answered only when seven are under way.
    channel.waits_for = {to(5, number): 14 for number in range(7, 14)}

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=21, sent=21)
    assert channel.most_under_way == 7


def test_with_wrong_credentials_a_few_calls_are_made_and_no_more(
    session: Session, channel: PacedChannel
) -> None:
    campaign_id = start(make_account(), 5, 200)
    channel.outcomes = {to(5, number): REFUSED for number in range(200)}

    deliver_provider_batches()

    assert len(channel.calls) == MOST_IN_A_ROW
    assert count_states(campaign_id) == Counts(total=200, pending=200)
    assert session.scalars(select(Inbox.halted_at)).one() is not None


@pytest.mark.usefixtures("session")
def test_whoever_waits_behind_an_inbox_that_is_too_fast_is_not_failed_for_it(
    channel: PacedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MOST_TRIES", 1)
    account = make_account()
    campaign_id = start(account, 5, 1)
    channel.outcomes[to(5, 0)] = Retry("too fast", "429", after=60, slows_down=True)
    channel.outcomes[to(6, 0)] = Retry("busy", "500", after=60)
    other_id = start(account, 6, 1)

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=1, pending=1)
    assert count_states(other_id) == Counts(total=1, failed=1)


def test_whoever_was_read_a_while_ago_is_written_to_as_they_are_now(
    app: Flask, session: Session, channel: PacedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 1)
    monkeypatch.setattr(provider_stock, "FRESH_SECONDS", 0)
    start(make_account(), 5, 2)
    answer = channel.send

    async def send(*call: Any) -> Receipt:
        if not channel.calls:
            with Session(db.engine) as other:
                moves = update(Contact).where(Contact.phone_number == to(5, 1))
                other.execute(moves.values(phone_number=to(6, 1)))
                other.commit()
        return await answer(*call)

    monkeypatch.setattr(channel, "send", send)

    deliver_provider_batches()

    assert [message.to for message in channel.calls] == [to(5, 0), to(6, 1)]


def test_what_a_long_message_takes_in_advance_is_owed_when_the_batch_ends(
    session: Session, channel: PacedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    owed: list[tuple[Any, ...]] = []
    monkeypatch.setattr(RateBudget, "owe", lambda *call: owed.append(call[2:]))
    monkeypatch.setattr(channel, "units", lambda _: 5)
    start(make_account(), 5, 1)
    session.execute(update(Inbox).values(rate=2))
    session.commit()

    deliver_provider_batches()

    assert owed == [(2, 3)]


@pytest.mark.usefixtures("session")
def test_an_inbox_whose_provider_is_slow_keeps_no_other_waiting(channel: PacedChannel) -> None:
    account = make_account()
    slow, quick = start(account, 5, 1), start(account, 6, 20)
    # The slow one answers only when everybody of the other inbox has been written to.
    channel.waits_for = {to(5, 0): 21}

    deliver_provider_batches()

    assert count_states(slow) == Counts(total=1, sent=1)
    assert count_states(quick) == Counts(total=20, sent=20)


REFUSED = AccountPause("bad credentials", "20003")
UNREACHABLE = Retry("no connection", after=3600)


@pytest.mark.parametrize(
    ("outcome", "is_halted"), [(REFUSED, True), (UNREACHABLE, False)], ids=["refused", "away"]
)
def test_an_inbox_through_which_nothing_goes_keeps_no_other_waiting(
    session: Session, channel: PacedChannel, outcome: Outcome, is_halted: bool
) -> None:
    account = make_account()
    broken, sound = start(account, 5, 8), start(account, 6, 20)
    channel.outcomes = {to(5, number): outcome for number in range(8)}
    # The last of the sound one is answered only when the broken one has been refused: both are at
    # work at the same time.
    channel.waits_for = {to(6, 19): 20 + MOST_IN_A_ROW}

    deliver_provider_batches()

    assert count_states(sound) == Counts(total=20, sent=20)
    assert count_states(broken) == Counts(total=8, pending=8)
    session.expire_all()
    halted = session.scalars(select(Inbox.name).where(Inbox.halted_at.is_not(None))).all()
    assert halted == (["Inbox 5"] if is_halted else [])


def test_what_is_left_in_a_halted_inbox_is_not_taken_up_and_others_go_on(
    session: Session, channel: PacedChannel
) -> None:
    account = make_account()
    halted, sound = start(account, 5, 3), start(account, 6, 3)
    inbox_id = session.scalars(select(Inbox.id).where(Inbox.name == "Inbox 5")).one()
    halt_inbox(session, inbox_id, "bad credentials")
    session.commit()

    deliver_provider_batches()

    assert count_states(halted) == Counts(total=3, pending=3)
    assert count_states(sound) == Counts(total=3, sent=3)
    assert {message.to[:6] for message in channel.calls} == {to(6, 0)[:6]}


def test_an_inbox_that_was_too_fast_waits_as_long_as_asked_and_no_other_does(
    app: Flask, session: Session, channel: PacedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 1)
    account = make_account()
    held, other = start(account, 5, 2), start(account, 6, 5)
    channel.outcomes[to(5, 0)] = Retry("too fast", "429", after=1, slows_down=True)

    deliver_provider_batches()

    assert count_states(held) == Counts(total=2, pending=1, sent=1)
    assert count_states(other) == Counts(total=5, sent=5)
    first, second = (channel.called_at[to(5, number)][0] for number in range(2))
    assert second - first >= 1
    assert all(channel.called_at[to(6, number)][0] < second for number in range(5))


def test_one_person_who_was_written_to_too_often_keeps_nobody_waiting(
    app: Flask, session: Session, channel: PacedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 1)
    campaign_id = start(make_account(), 5, 4)
    # As WhatsApp's limit for a pair of numbers: for this recipient only.
    channel.outcomes[to(5, 0)] = Retry("pair limit", "131056", after=3600)

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=4, pending=1, sent=3)
    assert [len(times) for times in channel.called_at.values()] == [1, 1, 1, 1]


@pytest.mark.usefixtures("session")
def test_what_is_under_way_when_redis_goes_away_is_written_down(
    app: Flask, channel: PacedChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_CONCURRENCY", 2)
    campaign_id = start(make_account(), 5, 6)
    channel.waits_for = {to(5, 1): 99}
    # So that it is asked every time.
    monkeypatch.setattr(rate_budget, "HEARD_AFTER", -1)
    there = get_redis().pttl

    def goes_away(*call: Any) -> Any:
        if not channel.calls:
            return there(*call)
        channel.waits_for.clear()
        raise RedisError("away")

    monkeypatch.setattr(get_redis(), "pttl", goes_away)

    deliver_provider_batches()

    assert count_states(campaign_id) == Counts(total=6, pending=4, sent=2)
