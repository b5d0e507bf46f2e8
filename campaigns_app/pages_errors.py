"""What a person sees when something cannot be done: a page, or a toast for htmx.

Programs must be answered otherwise: whoever serves a part of the address space for them registers
its own answer with `answer_errors_under`.
"""

import logging
from collections.abc import Callable

from flask import Flask, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.wrappers import Response

from campaigns_app.database.away import is_away
from campaigns_app.errors import (
    AlreadyMade,
    CampaignsError,
    InvalidInput,
    NotAllowed,
    NotFound,
    OnItsWay,
    Refused,
)
from campaigns_app.extensions import db
from campaigns_app.htmx import hx_error, is_background, is_htmx
from campaigns_app.security import request_id

logger = logging.getLogger(__name__)

ErrorAnswer = Callable[[Exception], ResponseReturnValue]

EXTENSION = "error_answers"
EXPLAINED = frozenset({400, 403, 404, 405, 409, 413, 422, 429, 500, 503})
AWAY_SECONDS = 5
"""How soon whoever found the database away may come again."""

STATUS_OF: tuple[tuple[type[CampaignsError], int], ...] = (
    (NotFound, 404),
    (NotAllowed, 403),
    (AlreadyMade, 409),
    (OnItsWay, 409),
    (Refused, 422),
    (InvalidInput, 422),
)
TELLING = (NotAllowed, Refused, InvalidInput)
"""The errors whose text was written for people, in their language."""


def init_app(app: Flask) -> None:
    """Answer every error that nobody caught."""
    app.extensions.setdefault(EXTENSION, {})
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(CampaignsError, _answer)


def answer_errors_under(app: Flask, prefix: str, answer: ErrorAnswer) -> None:
    """Let `answer` make the response for every error below the path `prefix` (`/api/`).

    It gets werkzeug's `HTTPException` (also for a path that does not exist), or one of our own
    `CampaignsError`s; an error nobody foresaw comes as `InternalServerError`.
    """
    app.extensions.setdefault(EXTENSION, {})[prefix] = answer


def _answer(error: Exception) -> ResponseReturnValue:
    # Whatever was begun is given up, and on SQLite the write lock with it.
    db.session.rollback()
    if isinstance(error, InternalServerError):
        # Flask has logged the traceback; this line ties it to what the person was shown.
        logger.error("Request %s failed: %r", request_id(), error.original_exception)
        if is_away(error.original_exception):
            error = ServiceUnavailable("The database does not answer", retry_after=AWAY_SECONDS)
    answers: dict[str, ErrorAnswer] = current_app.extensions[EXTENSION]
    for prefix, answer in answers.items():
        if request.path.startswith(prefix):
            return answer(error)
    if isinstance(error, HTTPException) and (error.response or (error.code or 500) < 400):
        return error
    return _page(error)


def _page(error: Exception) -> Response:
    status = _status(error)
    key = "CSRF" if isinstance(error, CSRFError) else status if status in EXPLAINED else 400
    told = str(error) if isinstance(error, TELLING) else ""
    title, text = str(_(f"ERRORS.TITLE_{key}")), told or _text(key)
    if is_htmx():
        # What a page asks by itself fails again and again: one toast in the same words is enough.
        has_number = status == 500 and not is_background()
        number = f" {_('ERRORS.REQUEST_ID')} {request_id()}" if has_number else ""
        return hx_error(told or f"{title}. {text}{number}", status)
    in_frame = status < 500 and current_user.is_authenticated
    page = render_template(
        "errors/in_frame.html" if in_frame else "errors/alone.html",
        code=status,
        title=title,
        text=text,
        request_id=request_id(),
    )
    response = make_response(page, status)
    for name, value in error.get_headers() if isinstance(error, HTTPException) else ():
        response.headers.setdefault(name, value)
    return response


def _status(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.code or 500
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), 500)


def _text(key: str | int) -> str:
    return str(_(f"ERRORS.TEXT_{key}", megabytes=current_app.config["MAX_UPLOAD_MB"]))
