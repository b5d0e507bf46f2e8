"""How the simulator treats a message, by the number it goes to.

`+1 500 2MM nnnn`: `MM` is the manner's number, `nnnn` anything, so that there are ten thousand
recipients for each. Numbers of other forms are delivered. A chat's id is read like a number.
"""

import re
from enum import IntEnum

_MAGIC = re.compile(r"\+?15002([0-9]{2})[0-9]{4}")


class Manner(IntEnum):
    """What becomes of a message."""

    DELIVERED = 0
    REFUSED = 1
    """The request is refused: the number cannot be written to."""
    OPTED_OUT = 2
    """The request is refused: the person has opted out."""
    TOO_FAST = 3
    """429 with `Retry-After` at the first try, taken at the next."""
    SLOW = 4
    """Taken, and answered after `SLOW_SECONDS`."""
    HANGS = 5
    """Never answered, and not taken."""
    DROPS = 6
    """Taken, and the connection dropped."""
    TROUBLE = 7
    """500, in the provider's own shape; not taken."""
    HTML = 8
    """502 with a page of HTML, as something in between sends it; not taken."""
    DUPLICATES = 9
    """Delivered; each callback comes twice."""
    REORDERED = 10
    """Delivered; the callbacks come the last one first."""
    STOPS = 11
    """Delivered; the person replies STOP."""
    FAILS_LATER = 12
    """Taken; a callback says that it failed."""
    REPLIES = 13
    """Delivered; the person replies."""
    TAKES_AND_HANGS = 14
    """Taken, and never answered."""
    OPTED_OUT_LATER = 15
    """Taken; a callback says that the person has opted out."""
    ACCOUNT = 16
    """The request is refused: something is wrong with the account."""


SLOW_SECONDS = 2.0


def manner_of(address: str) -> Manner:
    """How a message to the address is treated."""
    magic = _MAGIC.fullmatch(address)
    if magic is None or int(magic[1]) not in set(Manner):
        return Manner.DELIVERED
    return Manner(int(magic[1]))
