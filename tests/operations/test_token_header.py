"""Chatwoot's header gets through the web servers, and nothing else that has an underscore does."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from threading import Event, Thread
from typing import Any

import pytest
from waitress import create_server, wasyncore

from campaigns_app.operations.token_header import TokenHeaderChannel
from tests.operations.echo import app

SENT = {
    "api_access_token": "secret",
    "X_Forwarded_For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
}
EXPECTED = "secret / no proxy / http"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket at a free port."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


def ask(listener: socket.socket) -> str:
    """What the application behind `listener` answers."""
    host, port = listener.getsockname()
    connection = HTTPConnection(host, port, timeout=20)
    try:
        connection.request("GET", "/", headers=SENT)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_waitress_lets_the_token_through(listener: socket.socket) -> None:
    sockets: dict[int, Any] = {}
    server = create_server(app, sockets=[listener], map=sockets)
    server.channel_class = TokenHeaderChannel
    answered = Event()

    def serve() -> None:
        while not answered.is_set():
            wasyncore.loop(timeout=0.05, map=sockets, count=1)

    thread = Thread(target=serve)
    thread.start()
    try:
        assert ask(listener) == EXPECTED
    finally:
        answered.set()
        thread.join()
        server.close()


def test_gunicorn_lets_the_token_through(listener: socket.socket) -> None:
    command = (
        *(sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"),
        *("--config", "python:campaigns_app.operations.gunicorn_settings"),
        "tests.operations.echo:app",
    )
    with subprocess.Popen(command, pass_fds=[listener.fileno()]) as server:
        try:
            assert ask(listener) == EXPECTED
        finally:
            server.terminate()
