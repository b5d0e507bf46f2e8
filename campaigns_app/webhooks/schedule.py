"""When a failed delivery is tried again: pure rules, without database or clock."""

from random import Random

SCHEDULE_SECONDS = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The wait before each attempt (Standard Webhooks, §Retries); 75 hours in all."""

JITTER = 0.2
OVERLOAD_SECONDS = 60
OVERLOAD_STATUSES = frozenset({429, 502, 503, 504})
LONGEST_WAIT_SECONDS = 86_400


def next_wait(
    attempts: int, *, is_overloaded: bool, retry_after: float | None, chance: Random
) -> float | None:
    """Seconds to wait after that many failed attempts; None when it was the last.

    Waits are spread by a fifth, so that what failed together does not come back together. An
    endpoint that is overloaded gets a minute at least, and as long as it asks for: up to twice the
    schedule's own wait, a day at most.
    """
    if attempts >= len(SCHEDULE_SECONDS):
        return None
    wait = SCHEDULE_SECONDS[attempts]
    if not is_overloaded:
        return wait * chance.uniform(1 - JITTER, 1 + JITTER)
    wait = max(wait, OVERLOAD_SECONDS)
    if retry_after is None:
        return wait * chance.uniform(1 - JITTER, 1 + JITTER)
    longest = min(2 * wait, LONGEST_WAIT_SECONDS)
    # Later than asked for is well, earlier is not.
    return min(max(retry_after, wait), longest) * chance.uniform(1, 1 + JITTER)
