"""Static files with their content's digest in the address, so that browsers may keep them."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

KEPT_SECONDS = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Version the addresses that `url_for("static", ...)` makes."""
    folder = Path(str(app.static_folder))

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["v"] = _version(folder / values["filename"])

    app.url_default_functions.setdefault(None, []).append(add_version)
    app.after_request(_keep)


def _keep(response: Response) -> Response:
    if request.endpoint == "static" and "v" in request.args:
        response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable"
    return response


@cache
def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
