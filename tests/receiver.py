"""A scripted HTTP server in a thread, for tests of what is sent out.

It answers 200 unless a path was given another manner, and keeps every request exactly as it came.
"""

import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

DRIP_SECONDS = 0.2


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


Manner = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Keeps the request, then answers in the manner of its path."""

    protocol_version = "HTTP/1.1"
    server: "Receiver"

    def do_GET(self) -> None:
        """Take a GET as any request."""
        self.do_POST()

    def do_POST(self) -> None:
        """Take a POST; other methods are not expected."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(Received(self.path, dict(self.headers.items()), body))
        try:
            self.server.manner_of(self.path)(self)
        except OSError:
            self.close_connection = True  # The client has had enough, as it should.

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Receiver(ThreadingHTTPServer):
    """The server; listens on a free port of 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[Received] = []
        self.connections = 0
        self.closing = threading.Event()
        self._manners: dict[str, list[Manner]] = {}

    def url(self, path: str = "/") -> str:
        """The address of `path`."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def script(self, path: str, *manners: Manner) -> str:
        """Answer requests for `path` in these manners, one after another; the last one stays."""
        self._manners[path] = list(manners)
        return self.url(path)

    def manner_of(self, path: str) -> Manner:
        """How the next request for `path` is answered, by the path without its query where nothing
        is said of the whole."""
        usual = self._manners.get(path.partition("?")[0], [status(200)])
        manners = self._manners.get(path, usual)
        return manners.pop(0) if len(manners) > 1 else manners[0]

    def get_request(self) -> tuple[socket.socket, object]:
        """Count the connection."""
        self.connections += 1
        return super().get_request()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    with Receiver() as receiver:
        yield receiver


def status(code: int, body: bytes = b"", **headers: str) -> Manner:
    """Answer with this status; `Retry_After="1"` becomes the header `Retry-After`."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def silence(handler: Handler) -> None:
    """Answer nothing."""
    handler.server.closing.wait()


def drip(handler: Handler) -> None:
    """Answer with a body that comes byte by byte."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while not handler.server.closing.wait(DRIP_SECONDS):
        handler.wfile.write(b".")


def flood(handler: Handler) -> None:
    """Answer with a gigabyte."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(2**30))
    handler.end_headers()
    chunk = b"x" * 2**16
    for _ in range(2**14):
        handler.wfile.write(chunk)


def bomb(handler: Handler) -> None:
    """Answer with a gigabyte that looks like a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, other = (
        packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    status(200, first + other * (2**10 - 1), Content_Encoding="gzip")(handler)


def endless_headers(handler: Handler) -> None:
    """Answer with headers that do not end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    lines = b"X-Filler: 0123456789\r\n" * 1000
    while not handler.server.closing.is_set():
        handler.wfile.write(lines)


def endless_announcements(handler: Handler) -> None:
    """Answer again and again that the answer will follow."""
    announcements = b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000
    while not handler.server.closing.is_set():
        handler.wfile.write(announcements)


def raw(answer: bytes) -> Manner:
    """Answer with exactly these bytes."""

    def write(handler: Handler) -> None:
        handler.wfile.write(answer)
        handler.close_connection = True

    return write


def reset(handler: Handler) -> None:
    """Break the connection."""
    linger_not = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
    handler.connection.close()
    handler.close_connection = True


def gibberish(handler: Handler) -> None:
    """Answer something that is not HTTP."""
    handler.wfile.write(b"hello, who is there?\r\n\r\n")
    handler.close_connection = True
