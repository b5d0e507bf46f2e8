"""Where webhooks go: a web server that takes whatever comes, as fast as it can.

It shares two processors with a worker and a database, and a web server that is good for more than
this takes longer over a request than the worker that sends it.
"""

import asyncio
import re
import socket
from typing import cast

from campaigns_app.operations.web import open_socket

HOST = "127.0.0.1"

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


def open_sink() -> socket.socket:
    """A socket for `swallow` at a free port. Requests wait there until it is served."""
    return open_socket(HOST, 0)


def url_of(listener: socket.socket) -> str:
    """The address to send to."""
    return f"http://{HOST}:{listener.getsockname()[1]}/"


def swallow(listener: socket.socket) -> None:
    """Answer every request with 204, until the process is ended."""
    asyncio.run(_serve(listener))


async def _serve(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, sock=listener)
    await server.serve_forever()


class _Connection(asyncio.Protocol):
    """Requests that tell their length, one after another."""

    def __init__(self) -> None:
        self._unread = b""
        self._body_left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        data = self._unread + data
        while data:
            if not self._body_left:
                end = data.find(b"\r\n\r\n")
                length = _LENGTH.search(data, 0, end + 2) if end >= 0 else None
                if length is None:
                    break
                self._body_left, data = int(length[1]), data[end + 4 :]
            taken = min(self._body_left, len(data))
            self._body_left, data = self._body_left - taken, data[taken:]
            if not self._body_left:
                self._transport.write(_ANSWER)
        self._unread = data
