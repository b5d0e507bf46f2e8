"""Jobs for the worker's tests; run in the worker's process, which knows nothing of pytest."""

import os
import signal
import time
from contextlib import suppress

from flask import current_app

from campaigns_app.extensions import db
from campaigns_app.job_queue import get_redis


def note_process(key: str) -> None:
    """Note this process's id in Redis, then stay until killed."""
    get_redis().rpush(key, os.getpid())
    signal.pause()


def swallow_everything(key: str, seconds: int) -> None:
    """Go on for so many seconds whatever is raised, then note that the end was reached."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with suppress(Exception):
            time.sleep(0.05)
    get_redis().rpush(key, "survived")


def note_database(key: str) -> None:
    """Note in Redis which database the job's own session is connected to."""
    assert db.session.connection().dialect.name in current_app.config["DATABASE_URL"]
    get_redis().rpush(key, "connected")
