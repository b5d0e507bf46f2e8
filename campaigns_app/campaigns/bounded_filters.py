"""Liquid's filters, with an end to what they make.

Liquid bounds loops and what is written, but not what stands between two filters: a few `replace`
in a row make gigabytes of a word.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from liquid.exceptions import FilterArgumentError

LARGEST = 1_000_000
"""Characters of a text, or items of a list."""
MOST_BITS = 10_000
"""The same of a whole number."""

MULTIPLYING = frozenset({"join", "replace"})
"""Filters that may write their argument once for each character or item."""

Filter = Callable[..., Any]


def bounded(filters: Mapping[str, Filter]) -> dict[str, Filter]:
    """The filters by name; instead of making what is too large one raises
    `FilterArgumentError`."""
    return {name: _bounded(name, one) for name, one in filters.items()}


def _bounded(name: str, filter: Filter) -> Filter:
    @wraps(filter)
    def within_bounds(value: Any, *arguments: Any, **named: Any) -> Any:
        if name in MULTIPLYING:
            _refuse(name, _size(value) * max(map(_size, arguments), default=0))
        made = filter(value, *arguments, **named)
        if isinstance(made, int):
            _refuse(name, made.bit_length() * (LARGEST // MOST_BITS))
        _refuse(name, _size(made))
        return made

    return within_bounds


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _refuse(name: str, size: int) -> None:
    if size > LARGEST:
        raise FilterArgumentError(f"{name}: the result is too large", token=None)
