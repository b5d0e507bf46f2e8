"""The embedded queue store, with the real server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from campaigns_app.errors import CannotStart
from campaigns_app.operations.embedded import EmbeddedRedis
from tests.operations.processes import is_alive, wait_until

Start = Callable[[Path], EmbeddedRedis]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a server in a folder; all are stopped after the test."""
    servers = []

    def start_in(folder: Path) -> EmbeddedRedis:
        server = EmbeddedRedis(folder)
        servers.append(server)
        server.start()
        return server

    yield start_in
    for server in servers:
        server.stop()


def ask(server: EmbeddedRedis, command: str) -> object:
    """The server's answer to a command."""
    with redis.Redis.from_url(server.url, decode_responses=True) as connection:
        return connection.execute_command(*command.split())


def process_id(server: EmbeddedRedis) -> int:
    """The id of the server's process."""
    with redis.Redis.from_url(server.url) as connection:
        return int(connection.info("server")["process_id"])


def test_what_was_written_is_there_after_a_restart(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path)
    ask(server, "SET name Ada")
    server.stop()

    assert ask(start(tmp_path), "GET name") == "Ada"


def test_it_works_in_a_folder_with_a_very_long_name(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path / ("long" * 40) / "valkey")

    assert ask(server, "PING") is True


def test_it_listens_on_no_network_port(tmp_path: Path, start: Start) -> None:
    assert ask(start(tmp_path), "CONFIG GET port") == {"port": "0"}


def test_a_server_left_behind_is_ended_with_its_data_kept(tmp_path: Path, start: Start) -> None:
    orphan = start(tmp_path)
    ask(orphan, "SET name Ada")
    orphan_id = process_id(orphan)

    server = start(tmp_path)

    assert ask(server, "GET name") == "Ada"
    assert not is_alive(orphan_id)


def test_a_server_that_died_is_started_again(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path)
    ask(server, "SET name Ada")
    ask_to_die = redis.Redis.from_url(server.url)
    ask_to_die.shutdown()
    ask_to_die.close()

    def answers_again() -> bool:
        server.look()
        try:
            return ask(server, "GET name") == "Ada"
        except redis.ConnectionError:
            return False

    wait_until(answers_again)


def test_a_server_that_cannot_start_says_where_the_reason_is(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("in the way")

    with pytest.raises(CannotStart, match=r"valkey\.log says why"):
        EmbeddedRedis(tmp_path).start()


def test_others_find_the_address_of_a_running_server(tmp_path: Path, start: Start) -> None:
    server = start(tmp_path)

    assert EmbeddedRedis.url_in(tmp_path) == server.url
