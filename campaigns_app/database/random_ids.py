"""Ids for many rows at once: nobody can guess them, and those made later sort later.

They begin with the time, as ULIDs and UUIDs of version 7 do. Ids that are wholly random would put
every new row on another page of their index, and each commit would write all those pages.
The system is asked for randomness once, not for each id.
"""

import os
import time
from collections.abc import Iterator

TIME_DIGITS = 12
"""Hexadecimal digits for the milliseconds since 1970: 48 bits."""

RANDOM_DIGITS = 20
"""Hexadecimal digits of chance behind them: 80 bits."""


def sortable_hex(count: int) -> Iterator[str]:
    """`count` ids of 32 hexadecimal digits."""
    now = f"{time.time_ns() // 1_000_000:0{TIME_DIGITS}x}"
    digits = os.urandom(RANDOM_DIGITS // 2 * count).hex()
    return (
        now + digits[start : start + RANDOM_DIGITS]
        for start in range(0, len(digits), RANDOM_DIGITS)
    )


def sortable_uuids(count: int) -> Iterator[str]:
    """`count` UUIDs of version 7 (RFC 9562, §5.7) as text."""
    for digits in sortable_hex(count):
        # Two bits say the variant: the digit is 8, 9, a or b.
        variant = "89ab"[int(digits[16], 16) & 3]
        yield (
            f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
        )
