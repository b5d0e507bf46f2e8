"""The settings of an installation of its own."""

import socket
from pathlib import Path

import pytest

from campaigns_app.errors import CannotStart
from campaigns_app.operations.data_folder import DataFolder
from campaigns_app.operations.installation import (
    complete_environ,
    installed_environ,
    web_address,
)
from campaigns_app.operations.web import open_socket

ADDRESS = "http://127.0.0.1:8000"
ENVIRON = {"REDIS_URL": "redis://queue"}


def test_stores_that_are_set_are_not_replaced(tmp_path: Path) -> None:
    given = {**ENVIRON, "DATABASE_URL": "postgresql://database/name"}

    environ = complete_environ(given, DataFolder(tmp_path), None, ADDRESS)

    assert environ["DATABASE_URL"] == "postgresql://database/name"
    assert environ["REDIS_URL"] == "redis://queue"


def test_a_blank_setting_counts_as_not_set(tmp_path: Path) -> None:
    environ = complete_environ({**ENVIRON, "DATABASE_URL": " "}, DataFolder(tmp_path), None, "")

    assert environ["DATABASE_URL"] == f"sqlite:///{tmp_path}/campaigns.sqlite3"


@pytest.mark.parametrize(
    ("public_url", "secure"),
    [
        ("http://127.0.0.1:8000", "false"),
        ("http://localhost:8000", "false"),
        ("http://[::1]:8000", "false"),
        ("https://127.0.0.1:8000", None),
        ("http://192.0.2.1:8000", None),
        ("http://campaigns.example", None),
    ],
)
def test_cookies_go_over_plain_http_on_this_machine_only(
    tmp_path: Path, public_url: str, secure: str | None
) -> None:
    environ = complete_environ(ENVIRON, DataFolder(tmp_path), None, public_url)

    assert environ.get("COOKIE_SECURE") == secure


def test_other_commands_find_the_stores_of_an_installation(tmp_path: Path) -> None:
    key = DataFolder(tmp_path).secret_key()

    environ = installed_environ({"LOG_LEVEL": "ERROR"}, tmp_path)

    assert environ["SECRET_KEY"] == key
    assert environ["DATABASE_URL"] == f"sqlite:///{tmp_path}/campaigns.sqlite3"
    assert environ["LOG_LEVEL"] == "ERROR"


def test_a_database_that_is_set_is_used_whatever_the_folder_holds(tmp_path: Path) -> None:
    DataFolder(tmp_path).secret_key()
    given = {"DATABASE_URL": "postgresql://database/name"}

    assert installed_environ(given, tmp_path) == given


def test_a_busy_port_is_named_with_what_to_do() -> None:
    with open_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} .*--port"):
            open_socket("127.0.0.1", port)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")])
def test_the_address_is_one_a_browser_can_open(host: str, shown: str) -> None:
    with socket.create_server((host, 0)) as listener:
        assert web_address(listener) == f"http://{shown}:{listener.getsockname()[1]}"
