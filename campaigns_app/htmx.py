"""htmx's request and response headers: the only file that names them."""

import json

from flask import Response, request


def is_htmx() -> bool:
    """Whether htmx made this request, for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def is_background() -> bool:
    """Whether the page asked by itself, without the person having done anything (polling)."""
    return request.headers.get("X-Background") == "true"


def hx_trigger(*events: str, toast: str | None = None, status: int = 204) -> Response:
    """An empty answer after which the page hears of `events` (kebab-case); nothing is swapped.

    `toast` is a text for the page to show for a moment, as the success it is.
    """
    response = Response(status=status)
    add_trigger(response, *events, toast=toast)
    return response


def add_trigger(
    response: Response, *events: str, toast: str | None = None, kind: str = "success"
) -> None:
    """Make the page hear of `events`, and show `toast`, when it gets `response`.

    `kind` is `success`, `info`, `warning` or `error`. Headers are ASCII, and so is this JSON.
    """
    heard: dict[str, object] = dict.fromkeys(events)
    if toast is not None:
        heard["toast"] = {"message": str(toast), "kind": kind}
    response.headers["HX-Trigger"] = json.dumps(heard)


def hx_redirect(url: str) -> Response:
    """An answer that makes the whole page go to `url`."""
    response = Response(status=204)
    response.headers["HX-Redirect"] = url
    return response
