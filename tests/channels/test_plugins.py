"""A package that is installed beside the app brings its channel along."""

import logging
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from flask import Flask

from campaigns_app import create_app
from campaigns_app.channels.registry import EXTENSION
from tests.conftest import TEST_SETTINGS

SOURCE = """
from campaigns_app.channels.telegram import TelegramChannel

class PigeonChannel(TelegramChannel):
    name = label = "Pigeon"
    slug = callback_slug = "pigeon"

class Pigeon:
    pass
"""
Install = Callable[..., Flask]


@pytest.fixture
def app_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package with these entry points, and returns an application made after that."""

    def install(*entry_points: str) -> Flask:
        packages = tmp_path / "packages"
        wheel = _write_wheel(tmp_path, entry_points)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        subprocess.run(
            [*pip, "--no-index", "--no-deps", "--target", str(packages), str(wheel)], check=True
        )
        monkeypatch.syspath_prepend(str(packages))
        environ = {"DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite3'}", "REDIS_URL": "unix:///x"}
        return create_app({**TEST_SETTINGS, **environ})

    yield install
    sys.modules.pop("pigeon_channel", None)


def _write_wheel(folder: Path, entry_points: Iterable[str]) -> Path:
    """The package as its author would publish it (PyPA, "Binary distribution format")."""
    about = "pigeon_channel-1.0.dist-info"
    files = {
        "pigeon_channel.py": SOURCE,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: pigeon-channel\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "\n".join(["[campaigns_app.channels]", *entry_points]),
    }
    record = f"{about}/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record))
    wheel = folder / "pigeon_channel-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def test_its_channel_is_registered(app_beside: Install) -> None:
    app = app_beside("pigeon = pigeon_channel:PigeonChannel")

    channel = app.extensions[EXTENSION].get("Pigeon")

    assert type(channel).__module__ == "pigeon_channel"


def test_those_that_are_broken_are_named_and_left_out(
    app_beside: Install, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        app = app_beside(
            "no-class = pigeon_channel:NotThere",
            "no-module = not_there:PigeonChannel",
            "no-channel = pigeon_channel:Pigeon",
            "name-taken = campaigns_app.channels.conversation:ApiChannel",
            "pigeon = pigeon_channel:PigeonChannel",
        )

    assert all(name in app.extensions[EXTENSION] for name in ("API", "Pigeon"))
    for name in ("no-class", "no-module", "no-channel", "name-taken"):
        assert f"Channel '{name}'" in caplog.text
