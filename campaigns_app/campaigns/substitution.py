"""Filling in a message that is nothing but text and values, as most are.

Liquid walks a tree for every contact. Where the tree is text and plain values only, the places of
the values are noted once, and a message is a few look-ups: a tenth of the time. Whatever goes
beyond that (filters, tags, `size`, a very long result) is left to Liquid.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from liquid import BoundTemplate
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.stringify import to_liquid_string

BYTES_OF_A_CHARACTER = 4
"""The most that a character takes in UTF-8."""

COMPUTED = frozenset({"size", "first", "last"})
"""What Liquid works out where a value has no such part of its own."""

Place = tuple[str, ...]


class Substitution:
    """A message as a sequence of texts and places of values; see `substitution_of`."""

    def __init__(self, parts: Sequence[str | Place], limit: int) -> None:
        self._parts = parts
        self._longest = limit // BYTES_OF_A_CHARACTER

    def fill(self, values: Mapping[str, Any]) -> str | None:
        """The message with `values`, exactly as Liquid would write it; None where it may be longer
        than Liquid was told to allow."""
        text = "".join(
            part if isinstance(part, str) else _written(values, part) for part in self._parts
        )
        return text if len(text) <= self._longest else None


def substitution_of(
    template: BoundTemplate, roots: Iterable[str], limit: int
) -> Substitution | None:
    """The template as a substitution, or None where it is more than text and values under `roots`.

    `limit` is the longest message in bytes.
    """
    known = frozenset(roots)
    parts = [_part(node, known) for node in template.nodes]
    if None in parts:
        return None
    return Substitution([part for part in parts if part is not None], limit)


def _part(node: object, roots: frozenset[str]) -> str | Place | None:
    if isinstance(node, ContentNode):
        return node.text
    if not isinstance(node, OutputNode) or not isinstance(node.expression, FilteredExpression):
        return None
    value = node.expression
    if value.filters or not isinstance(value.left, Path):
        return None
    keys = value.left.path
    place = tuple(key for key in keys if isinstance(key, str) and key not in COMPUTED)
    return place if len(place) == len(keys) and place[0] in roots else None


def _written(values: Mapping[str, Any], place: Place) -> str:
    value: Any = values
    try:
        for key in place:
            value = value[key]
    except (KeyError, TypeError):
        return ""
    return value if isinstance(value, str) else to_liquid_string(value, autoescape=False)
