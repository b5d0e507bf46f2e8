"""Worker processes: what dies with what, and what a job finds."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from rq import SimpleWorker
from rq.job import JobStatus
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app import create_app
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import CampaignBatch
from campaigns_app.campaigns.report import count_states
from campaigns_app.database.transactions import reading
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db
from campaigns_app.job_queue import CAMPAIGNS, WEBHOOKS, get_queue, get_redis
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.worker import CampaignWorker, run_worker, worker_programs
from tests.conftest import TEST_SETTINGS
from tests.operations import jobs
from tests.operations.processes import is_alive, wait_until

Worker = subprocess.Popen[bytes]

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own tie is Linux's")


@pytest.fixture
def start_worker(app: Flask) -> Iterator[Callable[[], Worker]]:
    """Starts `campaigns worker` for the queue `campaigns`; killed after the test."""
    workers: list[Worker] = []
    stores = {name: app.config[name] for name in ("DATABASE_URL", "REDIS_URL")}
    command = [sys.executable, "-m", "campaigns_app", "worker", "--queue", CAMPAIGNS]

    def start() -> Worker:
        workers.append(
            subprocess.Popen(
                [*command, "--processes", "1"],
                env={**os.environ, **TEST_SETTINGS, **stores},
                stderr=subprocess.DEVNULL,
            )
        )
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


def noted(key: str) -> list[bytes | str]:
    """What jobs have noted in Redis."""
    return get_redis().lrange(key, 0, -1)


def wait_for_job(app: Flask) -> int:
    """Have a job begin, and return the id of its process."""
    get_queue(CAMPAIGNS).enqueue(jobs.note_process, "ids")
    wait_until(lambda: noted("ids"))
    return int(noted("ids")[-1])


@linux_only
def test_a_job_does_not_outlive_its_killed_worker(
    app: Flask, start_worker: Callable[[], Worker]
) -> None:
    worker = start_worker()
    job_process_id = wait_for_job(app)

    worker.kill()

    wait_until(lambda: not is_alive(job_process_id))


def test_a_worker_told_to_end_while_idle_ends(
    app: Flask, start_worker: Callable[[], Worker]
) -> None:
    worker = start_worker()
    wait_until(lambda: CampaignWorker.count(connection=get_redis()) == 1)
    # Registered, but its signal handlers come a moment later: it then works its first job.
    get_queue(CAMPAIGNS).enqueue(jobs.note_database, "seen")
    wait_until(lambda: noted("seen"))

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=30) == 0


def test_a_job_that_is_out_of_time_cannot_go_on(app: Flask) -> None:
    class HereWorker(SimpleWorker, CampaignWorker):
        """The same worker, working in this process."""

    job = get_queue(CAMPAIGNS).enqueue(jobs.swallow_everything, "seen", 30, job_timeout=1)

    HereWorker(app, CAMPAIGNS).work(burst=True)

    assert noted("seen") == []
    assert job.get_status(refresh=True) == JobStatus.FAILED


def test_a_worker_asked_to_end_gives_its_batch_back_at_once(
    app: Flask, session: Session, start_worker: Callable[[], Worker]
) -> None:
    campaign_id = make_due_campaign(session, 20_000)
    execute_campaign(campaign_id)
    worker = start_worker()
    wait_until(lambda: sent_to(campaign_id) >= 500)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=30) == 0
    counts = count_states(campaign_id)
    assert 0 < counts.sent < counts.total == 20_000
    held = select(CampaignBatch.id).where(CampaignBatch.lease_owner.is_not(None))
    assert session.scalars(held).all() == []
    assert get_queue(CAMPAIGNS).count > 0


def sent_to(campaign_id: int) -> int:
    with reading(db.session()):
        return count_states(campaign_id).sent


def test_a_job_has_the_application_and_a_session_of_its_own(app: Flask) -> None:
    class HereWorker(SimpleWorker, CampaignWorker):
        """The same worker, working in this process."""

    get_queue(CAMPAIGNS).enqueue(jobs.note_database, "seen")

    HereWorker(app, CAMPAIGNS).work(burst=True)

    assert noted("seen") == [b"connected"]


def test_each_process_works_on_one_queue(app: Flask) -> None:
    programs = worker_programs(app, [CAMPAIGNS, WEBHOOKS], 2)

    assert [program.name for program in programs] == [
        *("campaigns-1", "campaigns-2", "webhooks-1", "webhooks-2")
    ]
    assert all(program.command.count("--queue") == 1 for program in programs)


def test_a_worker_without_redis_says_so() -> None:
    settings = {"DATABASE_URL": "sqlite://", "REDIS_URL": "unix:///nowhere/redis.sock"}

    with pytest.raises(CannotStart, match="look at REDIS_URL"):
        run_worker(create_app(TEST_SETTINGS | settings), CAMPAIGNS)
