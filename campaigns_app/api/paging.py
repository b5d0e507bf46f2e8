"""Lists that are read from their newest end, in pages that begin where the one before ended."""

from urllib.parse import urlencode

from flask import Response, request


def with_link(response: Response, next_before: int | None) -> Response:
    """The response, with a `Link` (RFC 8288) to the page of what is older than the row of that id,
    if there is one: the address asked for, but for `before`."""
    if next_before is not None:
        arguments = urlencode({**request.args, "before": next_before})
        response.headers["Link"] = f'<{request.base_url}?{arguments}>; rel="next"'
    return response
