"""What one worker has in hand: turns, limits, order. Over a real connection to a real server."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_network
from itertools import count
from random import Random
from typing import cast

import pytest

from campaigns_app.http_client import HttpClient, Policy
from campaigns_app.webhooks.health import REST_SECONDS
from campaigns_app.webhooks.line import MOST_REFUSALS, SENDING_SECONDS, Line
from campaigns_app.webhooks.pipeline import FIRST_LIMIT, Pipeline
from campaigns_app.webhooks.sending import Claimed, ClaimedDelivery, Destination, Outcome
from tests import receiver as manners
from tests.receiver import Handler, Manner, Receiver

POLICY = Policy((ip_network("127.0.0.0/8"),), timeout_seconds=1, connections=20)
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

_ids = count(1)
_endpoint_ids = count(1)


def to(url: str, batch_size: int = 1, *, is_failing: bool = False) -> Destination:
    return Destination(
        next(_endpoint_ids), url, (SECRET,), batch_size=batch_size, is_failing=is_failing
    )


def deliveries(
    destination: Destination, number: int, conversation_id: int | None = None, age: float = 0
) -> list[ClaimedDelivery]:
    return [
        ClaimedDelivery(
            id=one,
            attempts=0,
            resumes_as=None,
            event_id=one,
            conversation_id=conversation_id,
            uid=f"msg_{one}",
            payload=b"{}",
            block_id=1,
            destination=destination,
            claimed_at=time.monotonic() - age,
        )
        for one in (next(_ids) for _ in range(number))
    ]


def work(block: list[ClaimedDelivery]) -> Outcome:
    """Send a block to its end; returns all that came of it."""
    return run(lambda pipeline: _finish(pipeline, block))


def run(work: Callable[[Pipeline], Awaitable[Outcome]]) -> Outcome:
    async def inside() -> Outcome:
        async with HttpClient(POLICY) as http:
            return await work(Pipeline(http, concurrency=20, share=10))

    return asyncio.run(inside())


async def _finish(pipeline: Pipeline, block: list[ClaimedDelivery]) -> Outcome:
    total = Outcome()
    pipeline.take(Claimed(block))
    while not pipeline.is_empty:
        await pipeline.wait(0.1)
        part = pipeline.collect()
        total.attempts += part.attempts
        total.unsent += part.unsent
        total.resting.update(part.resting)
    return total


class Gauge:
    """Counts how many requests are being answered at once."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, handler: Handler) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        handler.server.closing.wait(0.02)
        with self._lock:
            self._now -= 1
        manners.status(200)(handler)


def test_one_endpoint_gets_no_more_than_its_share(receiver: Receiver) -> None:
    gauge = Gauge()
    there = to(receiver.script("/", gauge))

    outcome = work(deliveries(there, 100))

    assert len(outcome.attempts) == 100
    assert FIRST_LIMIT < gauge.most <= 10


def test_an_endpoint_that_does_not_answer_rests_after_a_few(receiver: Receiver) -> None:
    silent = to(receiver.script("/silent", manners.silence))

    outcome = work(deliveries(silent, 50))

    assert len(outcome.attempts) == FIRST_LIMIT
    assert len(outcome.unsent) == 50 - FIRST_LIMIT
    assert outcome.resting == {silent.endpoint_id: REST_SECONDS}


@pytest.mark.parametrize("batch_size", [1, 10])
@pytest.mark.parametrize("manner", [manners.status(500), manners.status(404), manners.reset])
def test_an_endpoint_that_refuses_everything_at_once_rests_a_little(
    receiver: Receiver, manner: Manner, batch_size: int
) -> None:
    broken = to(receiver.script("/broken", manner), batch_size)
    healthy = deliveries(to(receiver.url()), 100)

    outcome = work(deliveries(broken, 1_000) + healthy)

    refused = [one for one in outcome.attempts if one.request.destination == broken]
    assert MOST_REFUSALS <= len(refused) < MOST_REFUSALS + FIRST_LIMIT
    assert len(outcome.attempts) - len(refused) == 100
    assert outcome.resting == {broken.endpoint_id: 1}


def test_an_endpoint_that_cannot_even_be_asked_costs_the_others_nothing(receiver: Receiver) -> None:
    # Nobody can save such a header; something unforeseen is always left.
    broken = replace(to(receiver.url()), headers={"X-Number": cast(str, 1)})

    outcome = work(deliveries(broken, 1) + deliveries(to(receiver.url()), 10))

    assert sorted(one.error or "" for one in outcome.attempts) == [""] * 10 + ["no answer"]


def test_nothing_listening_is_a_refusal(receiver: Receiver) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nowhere = to(f"http://127.0.0.1:{nobody.getsockname()[1]}/")

        outcome = work(deliveries(nowhere, 100))

    assert outcome.resting == {nowhere.endpoint_id: 1}


def test_an_endpoint_that_refuses_one_thing_or_another_does_not_rest(receiver: Receiver) -> None:
    sometimes = [manners.status(500)] * (MOST_REFUSALS // 2) + [manners.status(200)]
    there = to(receiver.script("/", *sometimes * 10))

    outcome = work(deliveries(there, 100))

    assert len(outcome.attempts) == 100
    assert not outcome.resting


def test_rests_grow_until_something_is_taken(receiver: Receiver) -> None:
    line = Line(to(receiver.url()), limit=1, is_slow=False)

    rests = [seconds for _ in range(4 * MOST_REFUSALS) if (seconds := line.note_refusal())]
    line.note_success()
    again = [seconds for _ in range(MOST_REFUSALS) if (seconds := line.note_refusal())]

    assert rests == [1, 2, 4, 8]
    assert again == [1]


def test_one_that_was_failing_is_tried_with_a_single_request(receiver: Receiver) -> None:
    silent = to(receiver.script("/silent", manners.silence), is_failing=True)

    assert len(work(deliveries(silent, 50)).attempts) == 1


def test_many_silent_endpoints_leave_half_of_the_requests_to_others(receiver: Receiver) -> None:
    receiver.script("/silent", manners.silence)
    block = [
        delivery
        for _ in range(30)
        for delivery in deliveries(to(receiver.url("/silent"), is_failing=True), 2)
    ]
    healthy = deliveries(to(receiver.url("/healthy")), 200)

    outcome = work(block + healthy)

    order = [one.request.destination.url for one in outcome.attempts]
    assert order[:200] == [receiver.url("/healthy")] * 200


def test_a_conversation_is_told_of_in_its_order(receiver: Receiver) -> None:
    there = to(receiver.url())
    block = [one for number in range(1, 60) for one in deliveries(there, 3, number)]

    work(block)

    arrived = [request.headers["webhook-id"] for request in receiver.requests]
    for start in range(0, len(block), 3):
        places = [arrived.index(one.uid) for one in block[start : start + 3]]
        assert places == sorted(places)


def test_what_comes_later_waits_for_what_is_on_its_way(receiver: Receiver) -> None:
    receiver.script("/", Gauge())
    there = to(receiver.url())
    first, second = deliveries(there, 1, 7), deliveries(there, 1, 7)

    async def take_both(pipeline: Pipeline) -> Outcome:
        pipeline.take(Claimed(first))
        await asyncio.sleep(0)
        return await _finish(pipeline, second)

    outcome = run(take_both)

    assert [one.request.uid for one in outcome.attempts] == [first[0].uid, second[0].uid]
    ended = outcome.attempts[0].started_at + outcome.attempts[0].duration_ms / 1000
    assert outcome.attempts[1].started_at >= ended - 0.002


def test_what_was_claimed_too_long_ago_is_given_back(receiver: Receiver) -> None:
    late = deliveries(to(receiver.url()), 3, age=SENDING_SECONDS + 1)

    outcome = work(late)

    assert (outcome.attempts, outcome.unsent) == ([], late)
    assert receiver.requests == []


def test_an_endpoint_that_is_gone_hears_no_more(receiver: Receiver) -> None:
    gone = to(receiver.script("/", manners.status(410)), is_failing=True)

    outcome = work(deliveries(gone, 10))

    assert len(receiver.requests) == 1
    assert len(outcome.unsent) == 9


def test_a_stopped_pipeline_gives_back_what_waits(receiver: Receiver) -> None:
    receiver.script("/", Gauge())
    block = deliveries(to(receiver.url()), 50)

    async def stop_at_once(pipeline: Pipeline) -> Outcome:
        pipeline.take(Claimed(block))
        pipeline.stop()
        return await _finish(pipeline, [])

    outcome = run(stop_at_once)

    assert len(outcome.attempts) + len(outcome.unsent) == 50
    assert len(outcome.attempts) <= FIRST_LIMIT


def test_there_is_no_room_for_an_endpoint_at_rest(receiver: Receiver) -> None:
    silent = to(receiver.script("/silent", manners.silence))

    async def left_afterwards(pipeline: Pipeline) -> Outcome:
        outcome = await _finish(pipeline, deliveries(silent, 8))
        assert pipeline.room().left[silent.endpoint_id] == 0
        return outcome

    run(left_afterwards)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_of_it_everything_comes_out_once(receiver: Receiver, seed: int) -> None:
    # What a pipeline kept to itself would be taken by nobody until its worker ended.
    chance = Random(seed)
    outcomes = [manners.status(code) for code in (200, 200, 200, 500, 503, 410)] + [manners.reset]
    receiver.script("/", lambda handler: chance.choice(outcomes)(handler))
    blocks = []
    for batch_size in (1, 1, 3):
        there = to(receiver.url(), batch_size)
        blocks += [
            deliveries(there, chance.randint(1, 3), chance.choice([None, 1, 2, 3]))
            for _ in range(20)
        ]
    chance.shuffle(blocks)

    async def take_all(pipeline: Pipeline) -> Outcome:
        for block in blocks[:-1]:
            pipeline.take(Claimed(block))
            await asyncio.sleep(chance.choice([0, 0, 0.01]))
        outcome = await _finish(pipeline, blocks[-1])
        # Room is left again: an endpoint without any would never be claimed for.
        left = pipeline.room().left.values()
        assert all(rest == 0 or rest >= FIRST_LIMIT for rest in left)
        return outcome

    outcome = run(take_all)

    came = [one.id for made in outcome.attempts for one in made.request.deliveries]
    came += [one.id for one in outcome.unsent]
    assert sorted(came) == sorted(one.id for block in blocks for one in block)


@pytest.mark.parametrize(("before", "after"), [(1, 10), (10, 1), (10, 3)])
def test_a_batch_size_that_changes_meanwhile_loses_no_event(
    receiver: Receiver, before: int, after: int
) -> None:
    there = to(receiver.url(), before)
    block = deliveries(there, 5) + deliveries(replace(there, batch_size=after), 5)

    outcome = work(block)

    assert len(outcome.attempts) > 1
    assert sorted(_told(receiver)) == sorted(one.uid for one in block)


def _told(receiver: Receiver) -> list[str]:
    """The ids of all events that were told, alone or in a batch."""
    uids: list[str] = []
    for request in receiver.requests:
        told = json.loads(request.body)
        is_batch = told.get("type") == "batch"
        uids += [e["id"] for e in told["events"]] if is_batch else [request.headers["webhook-id"]]
    return uids
