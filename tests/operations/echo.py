"""A web application that tells which token it was sent, and under which scheme."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the headers of the API's token and of a forged proxy."""
    told = (
        environ.get("HTTP_API_ACCESS_TOKEN", "no token"),
        environ.get("HTTP_X_FORWARDED_FOR", "no proxy"),
        environ["wsgi.url_scheme"],
    )
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" / ".join(told).encode()]
