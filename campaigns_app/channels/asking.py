"""Asking a provider over HTTP: what every adapter makes of answers, and of answers that never came.

Nothing of a provider's own words is passed on as it came: it may repeat the person's number.
"""

import base64
import re
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from campaigns_app.channels.verdicts import AccountPause, Outcome, Retry, Unknown
from campaigns_app.http_client import (
    Answer,
    Blocked,
    ConnectionFailed,
    HttpClient,
    RequestFailed,
)

JSON = "application/json"
LONGEST_LIST = 2_000_000
"""How much of a list is read, in bytes."""
CONNECT_AGAIN_SECONDS = 10
LONGEST_TEXT = 200

_NUMBERS = re.compile(r"\+?[0-9][0-9 ().-]{5,}[0-9]")


async def send_once(request: Awaitable[Answer]) -> Answer:
    """The answer to a request that sends something.

    Raises `Retry` where no byte of it was sent, `AccountPause` where it may not be sent to that
    destination, and `Unknown` where it may have been received all the same.
    """
    try:
        return await request
    except Blocked as error:
        raise AccountPause(f"the provider's address: {error}") from error
    except ConnectionFailed as error:
        raise Retry(str(error), after=CONNECT_AGAIN_SECONDS) from error
    except RequestFailed as error:
        raise Unknown(str(error)) from error


async def fetch(http: HttpClient, url: str, headers: Mapping[str, str]) -> Answer:
    """The answer to a question. Raises `Retry` or `AccountPause` where none came: nothing was
    sent, whatever happened."""
    try:
        return await http.get(url, headers, longest_body=LONGEST_LIST)
    except Blocked as error:
        raise AccountPause(f"the provider's address: {error}") from error
    except RequestFailed as error:
        raise Retry(str(error), after=CONNECT_AGAIN_SECONDS) from error


def read_object(answer: Answer) -> dict[str, Any]:
    """The JSON object in an answer, an empty one where there is none."""
    try:
        parsed = orjson.loads(answer.body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def part(parsed: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object called `name`, an empty one where there is none."""
    value = parsed.get(name)
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[dict[str, Any]]:
    """The objects in a list, none of what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def words(value: object, otherwise: str = "refused without a reason") -> str:
    """A provider's words for people: short, and without numbers that may be a person's."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return _NUMBERS.sub("…", text)[:LONGEST_TEXT] or otherwise


def unreadable(answer: Answer) -> Outcome:
    """The outcome of an answer in which the provider does not speak: a page of something between,
    or words nobody knows."""
    if answer.status == 429:
        return Retry("too many requests", "429", after=answer.retry_after or 1, slows_down=True)
    return Unknown(f"an answer that is none, with status {answer.status}")


@lru_cache
def basic(user: str, password: str) -> str:
    """The value of an `Authorization` header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def instant(value: object) -> datetime | None:
    """The instant in an ISO 8601 text with a zone, or in Unix seconds; None where there is none."""
    try:
        if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
            return datetime.fromtimestamp(int(value), UTC)
        at = datetime.fromisoformat(str(value))
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None
