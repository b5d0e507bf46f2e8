"""In how many segments a text goes out as SMS, and which characters make it more.

A message of one segment holds 160 characters of the GSM alphabet, or 70 of Unicode; of a longer
one each segment gives up some room for the header that joins them (3GPP TS 23.038 and 23.040).
"""

from collections.abc import Iterable
from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7-bit default alphabet (TS 23.038, §6.2.1), but for the escape to its extension."""

EXTENSION = frozenset("\f^{}\\[~]|€")
"""The characters of its extension table (§6.2.1.1): two septets each."""

ALPHABET = BASIC | EXTENSION

LAST_OF_ONE_UNIT = "\uffff"
"""UTF-16 takes two units for each character after it."""

GSM_7, UCS_2 = "GSM-7", "UCS-2"
ROOM = {GSM_7: (160, 153), UCS_2: (70, 67)}
"""Units in a message of one segment, and in each segment of a longer one."""


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text goes out. `units` are septets, or UTF-16 code units; `forced_by` are the
    characters that only Unicode has, each once, in their order."""

    count: int
    encoding: str
    units: int
    forced_by: tuple[str, ...]


def segments_of(text: str) -> Segments:
    """How `text` goes out. A character of two units is never torn apart by a segment's end."""
    used = set(text)
    foreign: tuple[str, ...] = ()
    if used <= ALPHABET:
        double = used & EXTENSION
    else:
        foreign = tuple(one for one in dict.fromkeys(text) if one not in ALPHABET)
        double = {one for one in used if one > LAST_OF_ONE_UNIT}
    encoding = UCS_2 if foreign else GSM_7
    alone, joined = ROOM[encoding]
    units = len(text) + sum(map(text.count, double))
    if units <= alone:
        return Segments(1, encoding, units, foreign)
    if not double:
        return Segments(-(-units // joined), encoding, units, foreign)
    sizes = (2 if one in double else 1 for one in text)
    return Segments(_filled(sizes, joined), encoding, units, foreign)


def _filled(sizes: Iterable[int], room: int) -> int:
    count, used = 1, 0
    for size in sizes:
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count
