"""Recognising a request that is sent again."""

import re
from collections.abc import Mapping
from typing import Any

from flask import request

from campaigns_app.campaigns.doubles import Submission, fingerprint_of
from campaigns_app.errors import FieldError, InvalidInput

KEY = re.compile(r"[\x21-\x7e]{1,255}")


def read_submission(params: Mapping[str, Any]) -> Submission:
    """How the request can be told from others: by its `Idempotency-Key`, and by what it asks for.

    The key may stand in quotes. Raises `InvalidInput` for one that is no key.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return Submission()
    key = given.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not KEY.fullmatch(key):
        message = "Idempotency-Key must be 1 to 255 visible ASCII characters"
        raise InvalidInput([FieldError("Idempotency-Key", message)])
    action = str(request.endpoint).rpartition(".")[2]
    return Submission(key, fingerprint_of({action: params} | (request.view_args or {})))
