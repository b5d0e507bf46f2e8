"""The supervisor, with real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from campaigns_app.operations import tether
from campaigns_app.operations.supervisor import Program, Supervisor
from tests.operations.processes import is_alive, read_ids, wait_until

STAY = "import os, signal; print(os.getpid(), file=open({path!r}, 'a'), flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + STAY
WITH_CHILD = "import os; os.fork(); " + STAY

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own tie is Linux's")


def python(code: str, path: Path) -> tuple[str, ...]:
    """The command of a Python process that runs `code`, which notes its id in `path`."""
    return (sys.executable, "-S", "-c", code.format(path=str(path)))


@contextmanager
def supervised(*programs: Program, log: Path | None = None) -> Iterator[Supervisor]:
    """A started supervisor of the programs, stopped after the block."""
    supervisor = Supervisor(programs, os.environ, log=log)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def count_looking(supervisor: Supervisor, path: Path) -> int:
    """How many processes have noted their ids, after the supervisor had a look."""
    supervisor.look()
    return len(read_ids(path))


def test_a_process_that_dies_is_started_again(tmp_path: Path) -> None:
    ids = tmp_path / "ids"

    with supervised(Program("one", python(STAY, ids)), log=tmp_path / "log") as supervisor:
        wait_until(lambda: read_ids(ids))
        os.kill(read_ids(ids)[0], signal.SIGKILL)
        wait_until(lambda: count_looking(supervisor, ids) == 2)

        assert supervisor.process_ids() == {"one": read_ids(ids)[1]}


def test_stopping_ends_every_process_and_what_it_started(tmp_path: Path) -> None:
    ids = tmp_path / "ids"

    with supervised(Program("two", python(WITH_CHILD, ids)), log=tmp_path / "log") as supervisor:
        wait_until(lambda: len(read_ids(ids)) == 2)
        supervisor.stop()

    # A signal that was sent may not have arrived yet at a process that is not our own child.
    wait_until(lambda: not any(is_alive(process_id) for process_id in read_ids(ids)))


def test_a_process_that_will_not_end_is_ended_at_a_second_signal(tmp_path: Path) -> None:
    ids = tmp_path / "ids"

    with supervised(Program("mule", python(STUBBORN, ids)), log=tmp_path / "log") as supervisor:
        wait_until(lambda: read_ids(ids))
        supervisor.stop(at_once=lambda: True)

    assert not is_alive(read_ids(ids)[0])


def test_lines_of_output_carry_the_name_of_their_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = [
        Program("short", python("print('one')", tmp_path)),
        Program("longer", python("print('two')", tmp_path)),
    ]

    with supervised(*programs) as supervisor:
        wait_until(lambda: not supervisor.process_ids())

    assert sorted(capsys.readouterr().err.splitlines()) == ["longer | two", "short  | one"]


@linux_only
def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    tied = "tie = (sys.executable, '-S', tether.__file__, str(os.getpid()))"
    code = (
        "import os, sys; from campaigns_app.operations import supervisor, tether;"
        f"{tied}; program = supervisor.Program('one', (*tie, *{python(STAY, ids)!r}));"
        f"supervisor.Supervisor([program], os.environ).run()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    wait_until(lambda: read_ids(ids))

    process.kill()
    process.wait()

    wait_until(lambda: not is_alive(read_ids(ids)[0]))


def test_interrupting_a_supervisor_ends_its_processes(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    code = (
        "import os; from campaigns_app.operations.supervisor import Program, Supervisor;"
        f"Supervisor([Program('one', {python(STAY, ids)!r})], os.environ).run()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    wait_until(lambda: read_ids(ids))

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=30) == 0
    assert not is_alive(read_ids(ids)[0])


@linux_only
def test_a_process_whose_parent_is_gone_already_ends_at_once() -> None:
    nobody = str(os.getpid() + 1)

    process = subprocess.run(
        [sys.executable, "-S", tether.__file__, nobody, "/bin/sleep", "60"], check=False
    )

    assert process.returncode == -signal.SIGKILL
