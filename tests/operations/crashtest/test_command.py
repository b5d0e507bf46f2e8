"""`campaigns crashtest` itself: real processes, a few faults."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import pytest
from click.testing import CliRunner

from campaigns_app.cli import cli
from tests.operations.processes import processes_naming, wait_until

DEADLINE_SECONDS = 240
"""Longer than the command allows itself, so that it tells what was the matter."""

FAULTS = 3
QUICK = ("--faults", str(FAULTS), "--contacts", "200", "--json")


@pytest.fixture
def place() -> Iterator[Path]:
    """The folder in which everything temporary is made; short, for the sake of its sockets."""
    with TemporaryDirectory(prefix="crash-") as name:
        # PostgreSQL runs as somebody else where we are root.
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def crashtest(place: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command, started, and in any case ended; nothing else has `place` in its environment."""
    with subprocess.Popen(
        [sys.executable, "-m", "campaigns_app", "crashtest", *options],
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            # Asked rather than killed: it has processes of its own to end. Nothing, if it has.
            process.terminate()


@pytest.mark.parametrize(
    "options",
    [
        ("--seed", "92"),
        ("--seed", "36", "--postgres"),
        ("--seed", "5", "--channel", "twilio"),
        ("--seed", "7", "--channel", "bandwidth", "--postgres"),
        ("--seed", "11", "--channel", "simulator"),
    ],
    ids=[
        *("sqlite", "postgresql", "a provider on sqlite", "a provider on postgresql"),
        "the simulator's own format",
    ],
)
def test_every_promise_holds_after_a_few_faults_and_nothing_is_left(
    place: Path, options: tuple[str, ...]
) -> None:
    with crashtest(place, *QUICK, *options) as process:
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)

    assert process.returncode == 0, output + errors
    report = json.loads(output)
    assert report["held"]
    assert sum(report["faults"].values()) == FAULTS
    assert report["campaigns"] > 0
    assert list(place.iterdir()) == []
    assert processes_naming(str(place)) == []


def test_interrupting_it_ends_and_removes_everything(place: Path) -> None:
    with crashtest(place) as process:
        said = cast(IO[str], process.stderr)
        wait_until(lambda: " s  " in said.readline())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE_SECONDS)

    assert process.returncode == 1
    assert "Aborted" in errors
    assert list(place.iterdir()) == []
    wait_until(lambda: processes_naming(str(place)) == [])


def test_a_database_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "used.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE campaigns (id INTEGER)")
    connection.close()

    result = CliRunner().invoke(cli, ["crashtest", "--database", f"sqlite:///{file}"])

    assert result.exit_code == 1
    assert "The database is not empty" in result.output


def test_a_server_of_its_own_and_somebodys_database_exclude_each_other() -> None:
    result = CliRunner().invoke(cli, ["crashtest", "--postgres", "--database", "postgresql://h/d"])

    assert result.exit_code == 2
    assert "leave out --database" in result.output
