"""RQ workers: which processes to run for which queue, and one such process.

One queue for each process. That keeps a slow webhook target from delaying sending, and only then
does RQ move a job and note who has it in one step.
"""

import logging
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis
from flask import Flask
from rq import Worker
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from campaigns_app import job_queue
from campaigns_app.channels.base import ConversationChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import CannotStart, OutOfTime
from campaigns_app.extensions import db
from campaigns_app.job_queue import CAMPAIGNS, DEFAULT, PROVIDERS, WEBHOOKS, get_queue, get_redis
from campaigns_app.operations.garbage import spare_collector
from campaigns_app.operations.supervisor import Program, campaigns_program
from campaigns_app.operations.tether import tie_forks

logger = logging.getLogger(__name__)

MOST_PROCESSES = 4
WORKER_TTL_SECONDS = 25
MAINTENANCE_SECONDS = 10
MONITORING_SECONDS = 5
"""RQ's own defaults for these three notice a killed worker after up to eighteen minutes."""


class Deadline(UnixSignalDeathPenalty):
    """Ends a job that is out of time with `OutOfTime`.

    RQ's own is an `Exception`, which a job that expects errors of contacts or of the network
    catches; it then goes on, and is reported as finished.
    """

    def __init__(self, timeout: int, exception: type[BaseException], **details: Any) -> None:
        ends_job = issubclass(exception, JobTimeoutException)
        super().__init__(timeout, OutOfTime if ends_job else exception, **details)  # type: ignore[no-untyped-call]


class CampaignWorker(Worker):
    """A worker whose jobs run in an application context each, end early when it is asked to end,
    and die with it.

    RQ lets the process that runs a job live on when its worker is killed. It would go on sending
    beside the worker that took its place.
    """

    death_penalty_class = Deadline
    log_result_lifespan = False
    max_connection_wait_time = 5.0

    def __init__(self, app: Flask, queue: str) -> None:
        with app.app_context():
            super().__init__(
                [get_queue(queue)],
                connection=get_redis(),
                serializer=JSONSerializer,
                worker_ttl=WORKER_TTL_SECONDS,
                maintenance_interval=MAINTENANCE_SECONDS,
                job_monitoring_interval=MONITORING_SECONDS,
            )
        self._app = app

    def main_work_horse(self, *job: Any) -> None:
        """What the process forked for a job does; called by RQ."""
        with self._app.app_context():
            # A connection opened before the fork is still the worker's own: let go, not closed.
            db.engine.dispose(close=False)
        spare_collector()
        super().main_work_horse(*job)

    def setup_work_horse_signals(self) -> None:
        """What signals mean to the process forked for a job; called by RQ."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGTERM, job_queue.ask_to_end)

    def handle_warm_shutdown_request(self) -> None:
        """Pass on to the job's process that this one was asked to end; called by RQ."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)

    def perform_job(self, *job: Any, **options: Any) -> bool:
        """Run one job; called by RQ."""
        with self._app.app_context():
            return bool(super().perform_job(*job, **options))


def run_worker(app: Flask, queue: str) -> None:
    """Work on `queue` until SIGTERM or SIGINT, after which the present job ends at the next place
    where nothing is lost.

    Raises `CannotStart` when Redis does not answer.
    """
    tie_forks()
    try:
        worker = CampaignWorker(app, queue)
    except redis.RedisError as error:
        raise CannotStart(f"Redis does not answer ({error}): look at REDIS_URL.") from error
    logger.info("Working on the queue %s", queue)
    level = logging.getLevelName(logging.getLogger("rq").getEffectiveLevel())
    worker.work(with_scheduler=True, logging_level=level)


def worker_programs(app: Flask, queues: Sequence[str], processes: int | None) -> list[Program]:
    """The processes to run for `queues` (for all that can get work, if empty): `processes` for
    each of them, or as many as suit the machine."""
    with app.app_context():
        queues = queues or _working_queues()
    programs = []
    for queue in queues:
        count = processes or _usual_count(queue)
        for number in range(1, count + 1):
            name = f"{queue}-{number}" if count > 1 else queue
            arguments = ("worker", "--queue", queue, "--processes", "1")
            programs.append(campaigns_program(name, *arguments))
    return programs


def _usual_count(queue: str) -> int:
    """Campaigns keep a processor busy each; the others mostly wait for the network."""
    return min(os.cpu_count() or 1, MOST_PROCESSES) if queue == CAMPAIGNS else 1


def _working_queues() -> list[str]:
    """The queues that something rings: an idle process would only take memory."""
    providers = any(not isinstance(channel, ConversationChannel) for channel in get_channels())
    return [CAMPAIGNS, PROVIDERS, WEBHOOKS, DEFAULT] if providers else [CAMPAIGNS, WEBHOOKS]
