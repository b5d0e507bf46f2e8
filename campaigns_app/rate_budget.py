"""How much may leave in a second: one budget for each name, shared by all workers over Redis.

It is a moving window (library `limits`): in no window does more leave than allowed, and nothing
that was not used is saved up for later.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from flask import current_app
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import RedisError

from campaigns_app.errors import CampaignsError
from campaigns_app.job_queue import get_redis

LONGEST_WINDOW = 100
"""Seconds. Every rate from 0.01 a second on is a whole number in some window up to this, to within
a hundredth."""

LEAST_WAIT = 0.005
HEARD_AFTER = 0.1
"""So many seconds after one worker was asked to wait, the others know at the latest. To ask each
time would take as long as to take units."""

EXTENSION = "rate-budget"
PREFIX = "campaigns:rate"

LENGTHEN = """
local left = math.max(redis.call('pttl', KEYS[1]), 0)
local wanted = tonumber(ARGV[1])
if ARGV[2] == 'besides' then wanted = left + wanted end
if wanted > left then redis.call('set', KEYS[1], 1, 'px', wanted) end
"""
"""A hold is never cut short: of two workers that are asked to wait, the longer wait counts."""


@dataclass(frozen=True, slots=True)
class Grant:
    """How many units may leave now, and after how many seconds it is worth asking again."""

    units: int
    wait: float


class _Hold(NamedTuple):
    """Until when nothing may leave, and when Redis said so, by the monotonic clock."""

    ends_at: float
    heard_at: float


class BudgetUnreachable(CampaignsError):
    """Redis is away: nobody knows what may leave, so nothing does."""


class RateBudget:
    """The budgets that Redis keeps. Every method raises `BudgetUnreachable` where it is away."""

    def __init__(self) -> None:
        self._redis = get_redis()
        storage = RedisStorage(
            "redis://", connection_pool=self._redis.connection_pool, key_prefix=PREFIX
        )
        self._lengthening = self._redis.register_script(LENGTHEN)
        self._limiter = MovingWindowRateLimiter(storage)
        self._holds: dict[str, _Hold] = {}

    def take(self, name: str, rate: float, wanted: int) -> Grant:
        """As many of the `wanted` units as may leave now, where `rate` may leave in a second."""
        with _reachable():
            return self._take(name, rate, wanted)

    def _take(self, name: str, rate: float, wanted: int) -> Grant:
        held = self._hold_on(name)
        if held > 0:
            return Grant(0, held)
        window = _window(rate)
        if self._limiter.hit(window, name, cost=wanted):
            return Grant(wanted, LEAST_WAIT)
        stats = self._limiter.get_window_stats(window, name)
        # Somebody else may take them in between; then it is their turn.
        units = stats.remaining
        taken = 0 < units < wanted and self._limiter.hit(window, name, cost=units)
        wait = max(stats.reset_time - time.time(), LEAST_WAIT)
        return Grant(units if taken else 0, wait)

    def hold(self, name: str, seconds: float) -> None:
        """Let nothing leave for so many seconds: who was asked to wait tells all others."""
        self._lengthen(name, seconds, "at least")

    def owe(self, name: str, rate: float, units: int) -> None:
        """Have these units paid that left without having been taken: nothing leaves for as long as
        they take, besides what is held anyway."""
        self._lengthen(name, units / rate, "besides")

    def _lengthen(self, name: str, seconds: float, how: str) -> None:
        with _reachable():
            self._lengthening(keys=[_hold_key(name)], args=[max(1, int(seconds * 1000)), how])
        self._holds.pop(name, None)

    def _hold_on(self, name: str) -> float:
        """For how many seconds more nothing may leave, as far as is known here."""
        now = time.monotonic()
        hold = self._holds.get(name)
        if hold is None or hold.heard_at < now - HEARD_AFTER:
            seconds = max(self._redis.pttl(_hold_key(name)), 0) / 1000
            hold = self._holds[name] = _Hold(now + seconds, heard_at=now)
        return hold.ends_at - now


def get_rate_budget() -> RateBudget:
    """The current application's budgets."""
    budget = current_app.extensions.get(EXTENSION)
    if not isinstance(budget, RateBudget):
        budget = current_app.extensions[EXTENSION] = RateBudget()
    return budget


def _hold_key(name: str) -> str:
    return f"{PREFIX}:hold:{name}"


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise BudgetUnreachable(f"Redis cannot be asked how much may leave: {error}") from error


def _window(rate: float) -> RateLimitItemPerSecond:
    """The shortest window in which the rate is a whole number of units, or nearly."""
    for seconds in range(1, LONGEST_WINDOW + 1):
        units = rate * seconds
        if round(units) >= 1 and abs(units - round(units)) < 0.01 * units:
            return RateLimitItemPerSecond(round(units), seconds)
    return RateLimitItemPerSecond(max(1, int(rate * LONGEST_WINDOW)), LONGEST_WINDOW)
