"""The web server of `campaigns up`: waitress, on a socket that is open already."""

import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

from flask import Flask
from waitress import create_server

from campaigns_app.errors import CannotStart
from campaigns_app.operations.token_header import TokenHeaderChannel

THREADS = 8
BACKLOG = 128


def open_socket(host: str, port: int) -> socket.socket:
    """A socket listening at `host` and `port`; 0 takes a free port. Raises `CannotStart`."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server((address[0], port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotStart(
            f"Port {port} of {host} cannot be used ({error.strerror}). "
            "End the program that uses it, or choose another port with --port."
        ) from error
    return listener


def serve(app: Flask, listener: socket.socket) -> None:
    """Answer requests at `listener` until SIGTERM or SIGINT."""
    server = create_server(app, sockets=[listener], threads=THREADS, ident=None)
    server.channel_class = TokenHeaderChannel
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    # Ends at `_leave`, after the requests under way.
    server.run()
    server.close()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(0)
