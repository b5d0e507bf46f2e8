"""The RQ queues: the only file that names RQ's.

The queue is a doorbell: it makes work start at once, and may forget it. Whatever it forgets, the
sweep finds in the database. So a Redis that is down is logged, and nothing else fails or waits:
whether it answers is asked first, on a connection that gives up soon.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from flask import Flask, current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, Worker
from rq.serializers import JSONSerializer

logger = logging.getLogger(__name__)

CAMPAIGNS = "campaigns"
PROVIDERS = "providers"
WEBHOOKS = "webhooks"
DEFAULT = "default"
QUEUES = (CAMPAIGNS, PROVIDERS, WEBHOOKS, DEFAULT)

JOB_TIMEOUT_SECONDS = 600
EXTENSION = "redis"
PROBE_EXTENSION = "redis_probe"
PROBE_SECONDS = 0.3
PROBED_FOR_SECONDS = 3
"""How long Redis may take to answer the question whether it is there, and how long its answer is
good for."""


@dataclass(slots=True)
class Probe:
    """Whether Redis answered when it was asked last, at `asked_at` of the monotonic clock."""

    connection: redis.Redis
    asked_at: float = -PROBED_FOR_SECONDS
    answered: bool = True


_is_asked_to_end = False


def init_app(app: Flask) -> None:
    """Prepare, but do not open, the connections to `REDIS_URL`."""
    url = app.config["REDIS_URL"]
    app.extensions[EXTENSION] = redis.Redis.from_url(
        url, socket_connect_timeout=2, health_check_interval=30, retry=Retry(NoBackoff(), 1)
    )
    app.extensions[PROBE_EXTENSION] = Probe(
        redis.Redis.from_url(
            url,
            socket_connect_timeout=PROBE_SECONDS,
            socket_timeout=PROBE_SECONDS,
            # A connection that Redis closed by starting anew is no answer: one more is tried.
            retry=Retry(NoBackoff(), 1),
        )
    )


def get_redis() -> redis.Redis:
    """The current application's connection pool to Redis."""
    connection: redis.Redis = current_app.extensions[EXTENSION]
    return connection


def get_queue(name: str) -> Queue:
    """The queue called `name`, one of `QUEUES`."""
    return Queue(
        name,
        connection=get_redis(),
        serializer=JSONSerializer,
        default_timeout=JOB_TIMEOUT_SECONDS,
    )


def enqueue(
    queue: str,
    job: Callable[..., Any],
    *arguments: int,
    at_front: bool = False,
    timeout_seconds: int = JOB_TIMEOUT_SECONDS,
) -> bool:
    """Ask a worker of `queue` to call `job` with ids, before all that wait if `at_front`; returns
    whether Redis took the request. A job that takes longer than `timeout_seconds` is ended."""
    return _rung(
        lambda: get_queue(queue).enqueue(
            job,
            *arguments,
            failure_ttl=86_400,
            at_front=at_front,
            job_timeout=timeout_seconds,
        )
    )


def enqueue_at(queue: str, at: datetime, job: Callable[..., Any], *arguments: int) -> bool:
    """Ask a worker of `queue` to call `job` at the instant `at`, not before.

    RQ cuts the time to whole seconds, which would be too early: it is rounded up here.
    """
    at = (at + timedelta(seconds=1, microseconds=-1)).replace(microsecond=0)
    return _rung(lambda: get_queue(queue).enqueue_at(at, job, *arguments, failure_ttl=86_400))


def waiting(queue: str) -> int:
    """How many jobs wait in `queue`; none where Redis cannot be asked."""
    try:
        return get_queue(queue).count
    except (redis.RedisError, OSError):
        return 0


@dataclass(frozen=True, slots=True)
class Measures:
    """How many jobs wait in each queue, and how many worker processes are registered."""

    waiting: Mapping[str, int]
    workers: int


def measure() -> Measures | None:
    """What there is in Redis; None where it does not answer."""
    try:
        waiting = {name: get_queue(name).count for name in QUEUES}
        return Measures(waiting, Worker.count(connection=get_redis()))
    except (redis.RedisError, OSError):
        return None


def lease_owner() -> str:
    """Who holds what this process takes under a lease: the machine and the process."""
    return f"{socket.gethostname()[:48]}:{os.getpid()}"


def ask_to_end(*signal: object) -> None:
    """Have this process's job end at the next place where nothing is lost; a signal handler."""
    global _is_asked_to_end
    _is_asked_to_end = True


def must_end() -> bool:
    """Whether this process's job was asked to end. It then gives back what it holds, rings for a
    successor, and returns."""
    return _is_asked_to_end


def is_reachable() -> bool:
    """Whether Redis answers now."""
    try:
        return bool(get_redis().ping())
    except redis.RedisError:
        return False


def seems_reachable() -> bool:
    """Whether Redis answered a moment ago; for pages, which cannot wait for one that hangs."""
    probe: Probe = current_app.extensions[PROBE_EXTENSION]
    now = time.monotonic()
    if now - probe.asked_at >= PROBED_FOR_SECONDS:
        # First, so that of many requests at once only one waits for the answer.
        probe.asked_at = now
        try:
            probe.answered = bool(probe.connection.ping())
        except (redis.RedisError, OSError):
            probe.answered = False
    return probe.answered


def _rung(ring: Callable[[], object]) -> bool:
    if not seems_reachable():
        logger.warning("The queue cannot be reached; the sweep will find the work")
        return False
    try:
        ring()
    except (redis.RedisError, OSError) as error:
        logger.warning("The queue cannot be reached; the sweep will find the work: %s", error)
        return False
    return True
