"""How long the messages of a campaign are, as they would be written for its recipients."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
"""So many of the characters that force Unicode are named: those that do in the most messages."""


@dataclass(frozen=True, slots=True)
class Length:
    """How much the messages take of the inbox's rate, in its `unit`: the longest, written for the
    contact `longest_for` (id, name), and all.

    Where the unit is segments: the longest's `encoding`, how many go out as Unicode, and the
    characters that force it, each once, first those of the most messages. Where it
    `is_estimated`, `total` is reckoned from those that were looked at, and the others are of
    these: messages differ from contact to contact.
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
    contacts: Iterable[Mapping[str, Any]],
    around: Surroundings,
    will_send: int,
) -> Length | None:
    """The lengths of the message for the contacts, some or all of the `will_send` there are; None
    where no provider counts anything, or it cannot be written for anybody. Where all are of one
    length, because messages are counted or it says the same to everybody, one is written."""
    if not isinstance(channel, ProviderChannel):
        return None
    differs = channel.segments(message) is not None and is_liquid(message)
    looked_at = units = unicode_count = 0
    longest: tuple[int, int, str, Mapping[str, Any]] | None = None
    forced_by: Counter[str] = Counter()
    for contact, text in _written(message, contacts, around):
        looked_at += 1
        if text is None:
            continue
        segments = channel.segments(text)
        size = segments.count if segments else channel.units(text)
        units += size
        if segments and segments.encoding == UCS_2:
            unicode_count += 1
            forced_by.update(segments.forced_by)
        if longest is None or (size, len(text)) > longest[:2]:
            longest = (size, len(text), text, contact)
        if not differs:
            looked_at = 1
            break
    if longest is None:
        return None
    segments = channel.segments(longest[2])
    return Length(
        channel.rate_unit,
        longest[0],
        round(units * will_send / looked_at),
        longest[2],
        (int(longest[3]["id"]), str(longest[3]["name"])),
        is_estimated=differs and looked_at < will_send,
        encoding=segments.encoding if segments else None,
        unicode_count=unicode_count if differs else unicode_count * will_send,
        forced_by=tuple(one for one, _ in forced_by.most_common(MOST_CHARACTERS)),
    )


def describe_character(character: str) -> tuple[str, str]:
    """A character's code point and its name in the standard: `U+2014`, `EM DASH`."""
    return f"U+{ord(character):04X}", name_of(character, "")


def _written(
    message: str, contacts: Iterable[Mapping[str, Any]], around: Surroundings
) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    """Each contact, with what is written for it, if it can be."""
    try:
        template = MessageTemplate(message)
    except (LiquidError, RecursionError):
        return  # The form says so at the field.
    for contact in contacts:
        try:
            yield contact, template.render(contact, NO_CONVERSATION, around)
        except RenderingFailed:
            yield contact, None
