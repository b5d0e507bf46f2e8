"""How long the messages of a campaign are, as they would be written for its recipients."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import name as name_of

from liquid.exceptions import LiquidError

from campaigns_app.campaigns.findings import LISTED
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


@dataclass(frozen=True, slots=True)
class Measured:
    """The lengths, if anybody can be written to and a provider counts; and for how many of those
    `looked_at` no message can be written, the first of them (id, name), and why."""

    length: Length | None = None
    looked_at: int = 0
    failed: int = 0
    contacts: tuple[tuple[int, str], ...] = ()
    why: str = ""


def measure(
    channel: Channel,
    message: str,
    contacts: Iterable[Mapping[str, Any]],
    around: Surroundings,
    will_send: int,
) -> Measured:
    """The lengths of the message for the contacts, some or all of the `will_send` there are;
    nothing where no provider counts. Where all are of one length, because messages are counted or
    it says the same to everybody, one is written."""
    if not isinstance(channel, ProviderChannel):
        return Measured()
    differs = channel.segments(message) is not None and is_liquid(message)
    tally = _Tally(channel)
    for contact, text in _written(message, contacts, around):
        tally.add(contact, text)
        if tally.longest is not None and not differs:
            break
    return tally.measured(will_send, differs)


class _Tally:
    """What is found of one message after another."""

    def __init__(self, channel: ProviderChannel) -> None:
        self._channel = channel
        self._looked_at = self._units = self._unicode_count = self._failed = 0
        self._forced_by: Counter[str] = Counter()
        self._contacts: list[tuple[int, str]] = []
        self._why = ""
        self.longest: tuple[int, int, str, Mapping[str, Any]] | None = None

    def add(self, contact: Mapping[str, Any], text: str | RenderingFailed) -> None:
        self._looked_at += 1
        most = self._channel.longest_text
        if isinstance(text, RenderingFailed):
            self._fail(contact, str(text))
        elif most is not None and len(text) > most:
            self._fail(contact, f"it has more than {most} characters")
        else:
            self._count(contact, text)

    def _fail(self, contact: Mapping[str, Any], why: str) -> None:
        self._failed += 1
        self._why = self._why or why
        if len(self._contacts) < LISTED:
            self._contacts.append((int(contact["id"]), str(contact["name"])))

    def _count(self, contact: Mapping[str, Any], text: str) -> None:
        segments = self._channel.segments(text)
        size = segments.count if segments else self._channel.units(text)
        self._units += size
        if segments and segments.encoding == UCS_2:
            self._unicode_count += 1
            self._forced_by.update(segments.forced_by)
        if self.longest is None or (size, len(text)) > self.longest[:2]:
            self.longest = (size, len(text), text, contact)

    def measured(self, will_send: int, differs: bool) -> Measured:
        length = None if self.longest is None else self._length(self.longest, will_send, differs)
        return Measured(length, self._looked_at, self._failed, tuple(self._contacts), self._why)

    def _length(
        self, longest: tuple[int, int, str, Mapping[str, Any]], will_send: int, differs: bool
    ) -> Length:
        size, _, text, contact = longest
        segments = self._channel.segments(text)
        looked_at = self._looked_at if differs else 1
        return Length(
            self._channel.rate_unit,
            size,
            round(self._units * will_send / looked_at),
            text,
            (int(contact["id"]), str(contact["name"])),
            is_estimated=differs and looked_at < will_send,
            encoding=segments.encoding if segments else None,
            unicode_count=self._unicode_count * (1 if differs else will_send),
            forced_by=tuple(one for one, _ in self._forced_by.most_common(MOST_CHARACTERS)),
        )


def describe_character(character: str) -> tuple[str, str]:
    """A character's code point and its name in the standard: `U+2014`, `EM DASH`."""
    return f"U+{ord(character):04X}", name_of(character, "")


def _written(
    message: str, contacts: Iterable[Mapping[str, Any]], around: Surroundings
) -> Iterator[tuple[Mapping[str, Any], str | RenderingFailed]]:
    """Each contact, with what is written for it, or why it cannot be."""
    try:
        template = MessageTemplate(message)
    except (LiquidError, RecursionError):
        return  # The form says so at the field.
    for contact in contacts:
        try:
            yield contact, template.render(contact, NO_CONVERSATION, around)
        except RenderingFailed as error:
            yield contact, error
