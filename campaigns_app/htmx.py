"""htmx's request and response headers: the only file that names them."""

from flask import Response, request


def is_htmx() -> bool:
    """Whether htmx made this request, for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def hx_trigger(*events: str) -> Response:
    """An empty answer after which the page hears of `events` (kebab-case); nothing is swapped."""
    response = Response(status=204)
    response.headers["HX-Trigger"] = ", ".join(events)
    return response


def hx_redirect(url: str) -> Response:
    """An answer that makes the whole page go to `url`."""
    response = Response(status=204)
    response.headers["HX-Redirect"] = url
    return response
