"""htmx's request and response headers: the only file that names them."""

import json
from urllib.parse import urlsplit

from flask import Response, request


def is_htmx() -> bool:
    """Whether htmx made this request, for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def is_background() -> bool:
    """Whether the page asked by itself, without the person having done anything (polling)."""
    return request.headers.get("X-Background") == "true"


def current_page() -> str:
    """The path and query of the page that the person is looking at; blank when htmx did not ask."""
    address = urlsplit(request.headers.get("HX-Current-URL", ""))
    return f"{address.path}?{address.query}" if address.query else address.path


def hx_trigger(*events: str, toast: str | None = None) -> Response:
    """An empty answer after which the page hears of `events` (kebab-case); nothing is swapped.

    `toast` is a text for the page to show for a moment: what was done.
    """
    return tell(Response(status=204), *events, toast=toast)


def hx_error(message: str, status: int) -> Response:
    """An answer that shows `message` as an error and leaves the page as it is."""
    response = Response(status=status)
    response.headers["HX-Reswap"] = "none"
    return tell(response, toast=message, kind="error")


def hx_redirect(url: str) -> Response:
    """An answer that makes the whole page go to `url`."""
    response = Response(status=204)
    response.headers["HX-Redirect"] = url
    return response


def push_url(response: Response, url: str) -> Response:
    """Make the browser's address bar show `url` when it gets `response`; returns that."""
    response.headers["HX-Push-Url"] = url
    return response


def tell(
    response: Response, *events: str, toast: str | None = None, kind: str = "success"
) -> Response:
    """Make the page hear of `events`, and show `toast`, when it gets `response`; returns that.

    `kind` is `success`, `info`, `warning` or `error`. Headers are ASCII, and so is JSON here.
    """
    heard: dict[str, object] = dict.fromkeys(events)
    if toast is not None:
        heard["toast"] = {"message": str(toast), "kind": kind}
    if heard:
        response.headers["HX-Trigger"] = json.dumps(heard)
    return response
