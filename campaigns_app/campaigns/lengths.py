"""How long the messages of a campaign are, as they would be written for its recipients."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import name as name_of

from liquid.exceptions import LiquidError

from campaigns_app.campaigns.provider_messages import NO_CONVERSATION
from campaigns_app.campaigns.rendering import MessageTemplate, RenderingFailed, Surroundings
from campaigns_app.campaigns.template_choice import is_liquid
from campaigns_app.channels.base import Channel
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.segments import UCS_2

MOST_CHARACTERS = 20
"""So many of the characters that force Unicode are named."""


@dataclass(frozen=True, slots=True)
class Length:
    """How much the messages take of the inbox's rate, in its `unit`: the longest, written for the
    contact `longest_for` (id, name), and all.

    `total` is reckoned from those that were looked at where it `is_estimated`: a provider counts
    segments, and what is written differs from contact to contact. Where the unit is
    segments: the longest's `encoding`, how many of those looked at go out as Unicode, and the
    characters that force it, each once.
    """

    unit: str
    longest: int
    total: int
    text: str
    longest_for: tuple[int, str]
    is_estimated: bool = False
    encoding: str | None = None
    unicode_count: int = 0
    forced_by: tuple[str, ...] = ()


def measure(
    channel: Channel,
    message: str,
    contacts: Sequence[Mapping[str, Any]],
    around: Surroundings,
    will_send: int,
) -> Length | None:
    """The lengths of the message for the contacts, some or all of the `will_send` there are; None
    where no provider counts anything, or it cannot be written for anybody."""
    if not isinstance(channel, ProviderChannel):
        return None
    written = units = unicode_count = 0
    longest: tuple[int, int, str, Mapping[str, Any]] | None = None
    forced_by: dict[str, None] = {}
    for contact, text in _written(message, contacts, around):
        segments = channel.segments(text)
        size = segments.count if segments else channel.units(text)
        written, units = written + 1, units + size
        if segments and segments.encoding == UCS_2:
            unicode_count += 1
            forced_by |= dict.fromkeys(segments.forced_by)
        if longest is None or (size, len(text)) > longest[:2]:
            longest = (size, len(text), text, contact)
    if longest is None:
        return None
    segments = channel.segments(longest[2])
    return Length(
        channel.rate_unit,
        longest[0],
        round(units * will_send / written),
        longest[2],
        (int(longest[3]["id"]), str(longest[3]["name"])),
        is_estimated=segments is not None and written < will_send and is_liquid(message),
        encoding=segments.encoding if segments else None,
        unicode_count=unicode_count,
        forced_by=tuple(forced_by)[:MOST_CHARACTERS],
    )


def describe_character(character: str) -> tuple[str, str]:
    """A character's code point and its name in the standard: `U+2014`, `EM DASH`."""
    return f"U+{ord(character):04X}", name_of(character, "")


def _written(
    message: str, contacts: Sequence[Mapping[str, Any]], around: Surroundings
) -> Iterator[tuple[Mapping[str, Any], str]]:
    try:
        template = MessageTemplate(message)
    except (LiquidError, RecursionError):
        return  # The form says so at the field.
    for contact in contacts:
        try:
            yield contact, template.render(contact, NO_CONVERSATION, around)
        except RenderingFailed:
            continue
