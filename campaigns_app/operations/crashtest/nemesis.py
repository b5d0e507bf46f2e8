"""What will go wrong, and when: decided by the seed alone, before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

SHORTEST_SECONDS = 0.5
LONGEST_SECONDS = 3.0


class Fault(StrEnum):
    """The kinds of fault, as the report names them."""

    KILL_HORSE = "SIGKILL of a work-horse"
    KILL_WORKER = "SIGKILL of a worker"
    KILL_GROUP = "SIGKILL of a worker's process group"
    STOP_HORSE = "SIGSTOP of a work-horse past its lease, then SIGCONT"
    FLUSH_REDIS = "FLUSHALL on Redis"
    RESTART_REDIS = "restart of Redis"
    SECOND_SWEEP = "second sweep"
    REPEATED_JOBS = "every job enqueued twice"
    CUT_CONNECTIONS = "database connections terminated"
    RESTART_POSTGRES = "restart of PostgreSQL"


_ALWAYS = (
    Fault.KILL_HORSE,
    Fault.KILL_WORKER,
    Fault.KILL_GROUP,
    Fault.STOP_HORSE,
    Fault.FLUSH_REDIS,
    Fault.RESTART_REDIS,
    Fault.SECOND_SWEEP,
    Fault.REPEATED_JOBS,
)


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault, `after_seconds` from the one before. `lot`, from 0 to below 1, picks the victim
    among those there are, or the manner, where there are two."""

    fault: Fault
    after_seconds: float
    lot: float


def possible_faults(*, postgres: bool, own_server: bool) -> tuple[Fault, ...]:
    """What can go wrong with such a database, on a server of our own or of somebody's."""
    return (
        *_ALWAYS,
        *((Fault.CUT_CONNECTIONS,) if postgres else ()),
        *((Fault.RESTART_POSTGRES,) if own_server else ()),
    )


def plan_strikes(seed: int, count: int, faults: Sequence[Fault]) -> list[Strike]:
    """`count` strikes of the kinds `faults`, the same for the same arguments.

    Every kind comes once before any comes again.
    """
    chance = Random(seed)  # noqa: S311 - nothing secret: it must be possible to repeat it
    strikes: list[Strike] = []
    kinds: list[Fault] = []
    for _ in range(count):
        kinds = kinds or chance.sample(faults, len(faults))
        moment = chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
        strikes.append(Strike(kinds.pop(), moment, chance.random()))
    return strikes
