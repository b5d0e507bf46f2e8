"""Headers that an endpoint's owner wants with every request, such as `Authorization`.

Their values are taken for secrets, all of them: they are written and never shown again. Where a
value would be shown stands `MASK`, and a change that brings `MASK` back leaves the value as it is.
"""

import re
from collections.abc import Iterator, Mapping

from campaigns_app.errors import FieldError

MASK = "••••••••"
MOST_HEADERS = 20
LONGEST_NAME = 100
LONGEST_VALUE = 1000
MOST_CHARACTERS = 4096
"""Names and values together; servers take 8 kB of headers as a rule, and ours are among them."""

# What the request is made of, says who sends it, or is signed: nobody's but ours to set.
RESERVED_NAMES = frozenset(
    {
        *("accept", "accept-encoding", "connection", "date", "expect", "host", "keep-alive"),
        *("te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via"),
    }
)
RESERVED_PREFIXES = ("content-", "proxy-", "webhook-", "x-chatwoot-")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e]+")


def check_headers(headers: Mapping[str, str]) -> Iterator[FieldError]:
    """What is wrong with `headers`, without their values being named."""
    if len(headers) > MOST_HEADERS:
        yield _fault(f"are too many (maximum is {MOST_HEADERS})")
        return
    if len({name.lower() for name in headers}) < len(headers):
        yield _fault("name the same header twice")
    if sum(len(name) + len(value) for name, value in headers.items()) > MOST_CHARACTERS:
        yield _fault(f"are too long (maximum is {MOST_CHARACTERS} characters in all)")
    for name, value in headers.items():
        fault = _name_fault(name) or _value_fault(name, value)
        if fault is not None:
            yield _fault(fault)


def keep_masked(given: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """`given`, in which each `MASK` is replaced by the value that is stored under that name."""
    known = {name.lower(): value for name, value in stored.items()}
    return {
        name: known.get(name.lower(), value) if value == MASK else value
        for name, value in given.items()
    }


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers as they may be shown, by name."""
    return dict.fromkeys(sorted(headers), MASK)


def _name_fault(name: str) -> str | None:
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        return "have a name that is not one of HTTP's"
    if name.lower() in RESERVED_NAMES or name.lower().startswith(RESERVED_PREFIXES):
        return f"may not set {name}"
    return None


def _value_fault(name: str, value: str) -> str | None:
    if value == MASK:
        return f"give no value for {name}"
    if len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value) or value != value.strip():
        return f"have a value for {name} that is blank, too long or not plain ASCII"
    return None


def _fault(text: str) -> FieldError:
    return FieldError("headers", f"Headers {text}")
