"""Where webhooks go: a web server that takes whatever comes, as fast as it can."""

import asyncio
import socket

from aiohttp import web

from campaigns_app.operations.web import open_socket

HOST = "127.0.0.1"


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
    server = await asyncio.get_running_loop().create_server(web.Server(_take), sock=listener)
    await server.serve_forever()


async def _take(request: web.BaseRequest) -> web.Response:
    await request.read()
    return web.Response(status=204)
