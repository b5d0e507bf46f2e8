"""Every error under /api/ as JSON, in Chatwoot's shapes: what our own code refuses, what Flask
refuses before it gets there, and what nobody foresaw."""

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException, InternalServerError

from campaigns_app.errors import (
    AlreadyMade,
    InvalidInput,
    NotAllowed,
    NotFound,
    OnItsWay,
    Refused,
)
from campaigns_app.pages_errors import answer_errors_under


def init_app(app: Flask) -> None:
    """Answer programs in JSON, whatever happens."""
    answer_errors_under(app, "/api/", json_answer)


def json_answer(error: Exception) -> Response:
    """What a program is told of `error`; of a fault of ours nothing but that it happened."""
    match error:
        case InvalidInput():
            return _answer(422, message=str(error), attributes=error.fields)
        case AlreadyMade():
            return _answer(409, message=str(error), id=error.display_id)
        case OnItsWay():
            return _answer(409, error=str(error))
        case Refused():
            return _answer(422, message=str(error), attributes=["status"])
        case NotFound():
            # In the same words for what never was and for what is another account's.
            return _answer(404, error="Resource could not be found")
        case NotAllowed():
            return _answer(401, error="You are not authorized to do this action")
        case HTTPException() if error.code and not isinstance(error, InternalServerError):
            return _http_answer(error, error.code)
    return _answer(500, error="Internal Server Error")


def _http_answer(error: HTTPException, status: int) -> Response:
    match status:
        case 404:
            text = "Resource could not be found"
        case 429:
            text = f"Too many requests: {error.description} are possible"
        case _:
            text = error.description or error.name
    response = _answer(status, error=text)
    for name, value in error.get_headers():
        # Such as the methods that are allowed, or when to come again.
        response.headers.setdefault(name, value)
    return response


def _answer(status: int, **body: object) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response
