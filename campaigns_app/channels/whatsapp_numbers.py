"""How WhatsApp writes the mobile numbers of countries that have changed them.

Some accounts keep, as `wa_id`, the number from before the change, or the one with the digit that
is dialled from abroad. Both reach the same telephone.
"""

import re

_OTHERS = (
    # Brazil has put a 9 before every mobile number; those without one began with 6 to 9.
    (re.compile(r"\+55([1-9][1-9])9([6-9]\d{7})", re.ASCII), r"+55\1\2"),
    (re.compile(r"\+55([1-9][1-9])([6-9]\d{7})", re.ASCII), r"+55\g<1>9\2"),
    # Mexico had a 1 before mobile numbers that were dialled from abroad.
    (re.compile(r"\+521(\d{10})", re.ASCII), r"+52\1"),
    (re.compile(r"\+52(\d{10})", re.ASCII), r"+521\1"),
    # Argentina has a 9 there.
    (re.compile(r"\+549(\d{10})", re.ASCII), r"+54\1"),
    (re.compile(r"\+54(\d{10})", re.ASCII), r"+549\1"),
)
"""Patterns of whole numbers, and what the other spelling is."""


def spellings_of(number: str) -> tuple[str, ...]:
    """The number in E.164, and after it the other one that WhatsApp may write for the same
    telephone, if there is one."""
    others = (pattern.sub(other, number) for pattern, other in _OTHERS if pattern.fullmatch(number))
    return (number, *others)
