"""What goes wrong is decided by the seed."""

from campaigns_app.operations.crashtest.nemesis import (
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    Fault,
    plan_strikes,
    possible_faults,
)

EVERYTHING = possible_faults(postgres=True, own_server=True)


def test_the_same_seed_makes_the_same_plan() -> None:
    assert plan_strikes(7, 50, EVERYTHING) == plan_strikes(7, 50, EVERYTHING)
    assert plan_strikes(7, 50, EVERYTHING) != plan_strikes(8, 50, EVERYTHING)


def test_a_longer_plan_begins_as_the_shorter_one() -> None:
    assert plan_strikes(7, 50, EVERYTHING)[:20] == plan_strikes(7, 20, EVERYTHING)


def test_every_kind_comes_once_before_any_comes_again() -> None:
    strikes = plan_strikes(7, 2 * len(Fault), EVERYTHING)

    for half in (strikes[: len(Fault)], strikes[len(Fault) :]):
        assert {strike.fault for strike in half} == set(Fault)


def test_faults_come_at_random_moments_within_bounds() -> None:
    moments = [strike.after_seconds for strike in plan_strikes(7, 50, EVERYTHING)]

    assert all(SHORTEST_SECONDS <= moment <= LONGEST_SECONDS for moment in moments)
    assert len(set(moments)) == len(moments)


def test_only_what_is_possible_is_planned() -> None:
    assert Fault.CUT_CONNECTIONS not in possible_faults(postgres=False, own_server=False)
    assert Fault.RESTART_POSTGRES not in possible_faults(postgres=True, own_server=False)
