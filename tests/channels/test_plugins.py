"""A package that is installed beside the app brings its channel along."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

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
Install = Callable[[str], Flask]


@pytest.fixture
def app_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package whose entry point is this, and returns an application made after that."""

    def install(entry_point: str) -> Flask:
        (tmp_path / "pigeon_channel.py").write_text(SOURCE)
        metadata = tmp_path / "pigeon_channel-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon-channel\n")
        (metadata / "entry_points.txt").write_text(f"[campaigns_app.channels]\n{entry_point}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        environ = {"DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite3'}", "REDIS_URL": "unix:///x"}
        return create_app({**TEST_SETTINGS, **environ})

    yield install
    sys.modules.pop("pigeon_channel", None)


def test_its_channel_is_registered(app_beside: Install) -> None:
    app = app_beside("pigeon = pigeon_channel:PigeonChannel")

    channel = app.extensions[EXTENSION].get("Pigeon")

    assert type(channel).__module__ == "pigeon_channel"


@pytest.mark.parametrize(
    "entry_point",
    [
        "pigeon = pigeon_channel:NotThere",
        "pigeon = not_there:PigeonChannel",
        "pigeon = pigeon_channel:Pigeon",
        "pigeon = campaigns_app.channels.conversation:ApiChannel",
    ],
    ids=["no such class", "no such module", "no channel", "a name that is taken"],
)
def test_one_that_is_broken_is_named_and_left_out(
    app_beside: Install, entry_point: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        app = app_beside(entry_point)

    assert "API" in app.extensions[EXTENSION]
    assert "Pigeon" not in app.extensions[EXTENSION]
    assert "Channel 'pigeon'" in caplog.text
