"""The JSON object that came with a request, before anybody asks what it means."""

import json
import math
from typing import Any, NoReturn

from flask import Blueprint, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from campaigns_app.database.text import is_storable
from campaigns_app.errors import FieldError, InvalidInput

LONGEST_BODY_BYTES = 1_000_000
DEEPEST_LEVEL = 20
LARGEST_NUMBER = 2**63 - 1


def init_blueprint(api: Blueprint) -> None:
    """Bound what may be sent to `api`; files of contacts, which are larger, come another way."""
    api.before_request(_bound_body)


def read_json() -> dict[str, Any]:
    """The object that was sent; empty where nothing was.

    Raises `InvalidInput` for JSON that is no object, `UnsupportedMediaType` for what does not call
    itself JSON, `BadRequest` for what is none.
    """
    text = request.get_data()
    if not text:
        return {}
    if not request.is_json:
        raise UnsupportedMediaType("The body must be JSON, with Content-Type: application/json")
    body = _parse(text)
    if not isinstance(body, dict):
        raise InvalidInput([FieldError("base", "The body must be a JSON object")])
    return body


def is_storable_json(value: Any, level: int = 1) -> bool:
    """Whether every database takes `value` as JSON: text they know, numbers of 64 bits, and not
    nested deeper than anybody means."""
    if level > DEEPEST_LEVEL:
        return False
    if isinstance(value, dict):
        return all(
            is_storable(key) and is_storable_json(part, level + 1) for key, part in value.items()
        )
    if isinstance(value, list):
        return all(is_storable_json(part, level + 1) for part in value)
    if isinstance(value, str):
        return is_storable(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or abs(value) <= LARGEST_NUMBER


def _bound_body() -> None:
    request.max_content_length = LONGEST_BODY_BYTES


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise InvalidInput([FieldError("base", "The body is nested too deeply")]) from error
    except ValueError as error:
        # Besides what is no JSON: bytes that are no text, and numbers of thousands of digits.
        raise BadRequest("The body is not valid JSON") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON, though Python reads it")
