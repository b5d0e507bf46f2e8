"""The main job from an empty folder to verified webhooks, with real processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from tests.operations.processes import processes_naming

DEADLINE_SECONDS = 240
CONTACTS = 300


def write_contacts(path: Path) -> None:
    """A file in which one contact of four has a label outside the audience."""
    labels = ("vip", "premium", "vip", "other")
    rows = (
        f"Contact {number},contact{number}@example.com,{labels[number % 4]}"
        for number in range(CONTACTS)
    )
    path.write_text("\n".join(["name,email,labels", *rows]))


def test_the_demonstration_carries_two_campaigns_out_and_leaves_nothing_running(
    tmp_path: Path,
) -> None:
    write_contacts(tmp_path / "contacts.csv")
    arguments = ("--exit", "--json", "--contacts", "contacts.csv", "--labels", "vip,premium")

    done = subprocess.run(
        [sys.executable, "-m", "campaigns_app", "demo", *arguments, "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary.pop("seconds") > 0
    reached = CONTACTS * 3 // 4
    assert summary == {
        "contacts": CONTACTS,
        "recipients": reached,
        "skipped": 0,
        "conversations": reached,
        "messages": reached,
        "webhooks_delivered": 2 * reached,
        "webhooks_verified": 2 * reached,
        "failed": 0,
        "texts": 100,
        "texts_taken": 91,
        "texts_delivered": 88,
        "texts_failed": 12,
        "texts_opted_out": 8,
    }
    assert processes_naming(str(tmp_path)) == []


def test_up_serves_the_page_says_how_to_begin_and_ends_when_interrupted(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "campaigns_app", "up", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        link = lines[2].strip()

        with urlopen(link) as page:  # noqa: S310
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0

    assert processes_naming(str(tmp_path)) == []
