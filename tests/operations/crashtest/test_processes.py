"""Which process is the one to strike."""

from flask import Flask

from campaigns_app.job_queue import CAMPAIGNS, get_queue, get_redis
from campaigns_app.operations.crashtest.processes import find_horse
from tests.conftest import WORKER, Start
from tests.operations import jobs
from tests.operations.processes import wait_until


def test_a_workers_horse_is_the_process_of_its_job(app: Flask, start: Start) -> None:
    worker = start(*WORKER, LOG_LEVEL="WARNING")
    get_queue(CAMPAIGNS).enqueue(jobs.note_process, "ids")
    wait_until(lambda: get_redis().exists("ids"))

    [horse] = get_redis().lrange("ids", 0, -1)

    assert find_horse(worker.pid) == int(horse)


def test_a_worker_that_has_no_job_has_no_horse(app: Flask, start: Start) -> None:
    worker = start(*WORKER, LOG_LEVEL="WARNING")
    wait_until(
        lambda: get_redis().exists(f"rq:queue:{CAMPAIGNS}") or get_redis().smembers("rq:workers")
    )

    assert find_horse(worker.pid) is None
