"""In how many segments a text goes out as SMS, and which characters make it more.

A message of one segment holds 160 characters of the GSM alphabet, or 70 of Unicode; of a longer
one each segment gives up some room for the header that joins them (3GPP TS 23.038 and 23.040).
"""

from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7-bit default alphabet (TS 23.038, §6.2.1), but for the escape to its extension."""

EXTENSION = frozenset("\f^{}\\[~]|€")
"""The characters of its extension table (§6.2.1.1): two septets each."""

ALPHABET = BASIC | EXTENSION

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
    foreign = tuple(dict.fromkeys(one for one in text if one not in ALPHABET))
    if foreign:
        sizes = [2 if ord(one) > 0xFFFF else 1 for one in text]
    else:
        sizes = [2 if one in EXTENSION else 1 for one in text]
    encoding = UCS_2 if foreign else GSM_7
    alone, joined = ROOM[encoding]
    units = sum(sizes)
    count = 1 if units <= alone else _filled(sizes, joined)
    return Segments(count, encoding, units, foreign)


def _filled(sizes: list[int], room: int) -> int:
    count, used = 1, 0
    for size in sizes:
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count
