"""Random ids for many rows at once: the system is asked for randomness once, not for each."""

import os
from collections.abc import Iterator

LENGTH = 16
"""Bytes of one id."""


def random_hex(count: int) -> Iterator[str]:
    """`count` unguessable ids of 32 hexadecimal digits."""
    digits = os.urandom(LENGTH * count).hex()
    return (digits[start : start + 2 * LENGTH] for start in range(0, len(digits), 2 * LENGTH))


def random_uuids(count: int) -> Iterator[str]:
    """`count` random UUIDs (RFC 9562, version 4) as text."""
    for digits in random_hex(count):
        # Two bits say the variant: the digit is 8, 9, a or b.
        variant = "89ab"[int(digits[16], 16) & 3]
        yield (
            f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
        )
