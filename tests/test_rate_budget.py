"""One budget for all workers: no more leaves than may, and all of that does."""

import pytest
from flask import Flask
from redis import RedisError
from time_machine import TimeMachineFixture

from campaigns_app import rate_budget
from campaigns_app.job_queue import get_redis
from campaigns_app.rate_budget import BudgetUnreachable, RateBudget


@pytest.fixture
def budget(app: Flask) -> RateBudget:
    """A worker's view of the budgets."""
    return RateBudget()


def test_workers_share_what_may_leave(budget: RateBudget) -> None:
    other = RateBudget()

    granted = [one.take("inbox", 60, 40).units for one in (budget, other, budget)]

    assert granted == [40, 20, 0]


def test_each_inbox_has_its_own(budget: RateBudget) -> None:
    budget.take("one", 1, 1)

    assert budget.take("one", 1, 1).units == 0
    assert budget.take("other", 1, 1).units == 1


def test_who_must_wait_is_told_when_to_come_again(
    budget: RateBudget, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to("2030-01-01T00:00:00Z", tick=False)
    assert budget.take("inbox", 10, 10).units == 10

    refused = budget.take("inbox", 10, 1)
    time_machine.shift(refused.wait + 0.001)

    assert refused.units == 0
    assert 0.9 <= refused.wait <= 1
    assert budget.take("inbox", 10, 1).units == 1


def test_a_rate_below_one_is_one_in_several_seconds(
    budget: RateBudget, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to("2030-01-01T00:00:00Z", tick=False)
    assert budget.take("inbox", 0.25, 5).units == 1

    time_machine.shift(3.5)
    assert budget.take("inbox", 0.25, 1).units == 0

    time_machine.shift(0.6)
    assert budget.take("inbox", 0.25, 1).units == 1


def test_in_no_window_does_more_leave_than_may(
    budget: RateBudget, time_machine: TimeMachineFixture
) -> None:
    time_machine.move_to("2030-01-01T00:00:00Z", tick=False)
    taken = []
    for _ in range(60):
        taken.append(budget.take("inbox", 7, 3).units)
        time_machine.shift(0.1)

    assert max(sum(taken[at : at + 10]) for at in range(50)) == 7
    assert sum(taken) >= 7 * 5


def test_a_hold_is_for_all_workers(budget: RateBudget) -> None:
    RateBudget().hold("inbox", 30)

    grant = budget.take("inbox", 100, 1)

    assert grant.units == 0
    assert 29 < grant.wait <= 30


def test_a_hold_is_never_cut_short(budget: RateBudget) -> None:
    budget.hold("inbox", 30)
    RateBudget().hold("inbox", 1)

    assert 29 < budget.take("inbox", 100, 1).wait <= 30


def test_what_is_owed_is_waited_for_besides(budget: RateBudget) -> None:
    budget.hold("inbox", 30)
    for worker in (budget, RateBudget()):
        worker.owe("inbox", 0.5, 4)

    assert 45 < budget.take("inbox", 0.5, 1).wait <= 46


@pytest.mark.parametrize("rate", [0.01, 0.012, 0.019, 0.03, 0.07, 0.33, 1.37, 33.337, 9999.5])
def test_every_rate_is_kept_to_within_a_hundredth(
    budget: RateBudget, time_machine: TimeMachineFixture, rate: float
) -> None:
    time_machine.move_to("2030-01-01T00:00:00Z", tick=False)
    first = budget.take("inbox", rate, 20_000).units

    refused = budget.take("inbox", rate, 1)

    assert refused.units == 0
    assert first / refused.wait == pytest.approx(rate, rel=0.0101)


def test_whoever_was_asked_to_wait_waits_at_once_and_the_others_a_moment_later(
    budget: RateBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = RateBudget()
    assert [one.take("inbox", 100, 1).units for one in (budget, asked)] == [1, 1]

    asked.hold("inbox", 30)

    assert asked.take("inbox", 100, 1).units == 0
    monkeypatch.setattr(rate_budget, "HEARD_AFTER", -1)
    assert budget.take("inbox", 100, 1).units == 0


def test_nothing_leaves_where_redis_is_away(
    budget: RateBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*call: object) -> None:
        raise RedisError("away")

    monkeypatch.setattr(get_redis(), "pttl", away)

    with pytest.raises(BudgetUnreachable):
        budget.take("inbox", 1, 1)
