"""Segments are counted as carriers count them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns_app.channels.segments import BASIC, EXTENSION, GSM_7, UCS_2, segments_of


@pytest.mark.parametrize(
    ("text", "count", "encoding", "units"),
    [
        ("", 1, GSM_7, 0),
        ("a" * 160, 1, GSM_7, 160),
        ("a" * 161, 2, GSM_7, 161),
        ("a" * 306, 2, GSM_7, 306),
        ("a" * 307, 3, GSM_7, 307),
        ("€" * 80, 1, GSM_7, 160),
        ("€" * 81, 2, GSM_7, 162),
        # 152 + one of two septets does not fit into 153: the pair moves on.
        ("a" * 152 + "€" + "a" * 151, 2, GSM_7, 305),
        ("a" * 152 + "€" + "a" * 152, 3, GSM_7, 306),
        ("ñ" * 160, 1, GSM_7, 160),
        ("я" * 70, 1, UCS_2, 70),
        ("я" * 71, 2, UCS_2, 71),
        ("я" * 134, 2, UCS_2, 134),
        ("я" * 135, 3, UCS_2, 135),
        ("😀" * 35, 1, UCS_2, 70),
        ("😀" * 36, 2, UCS_2, 72),
        # 67 is odd: a character of two units is not torn apart.
        ("😀" * 66, 2, UCS_2, 132),
        ("😀" * 67, 3, UCS_2, 134),
    ],
)
def test_segments(text: str, count: int, encoding: str, units: int) -> None:
    counted = segments_of(text)

    assert (counted.count, counted.encoding, counted.units) == (count, encoding, units)


def test_the_characters_that_force_unicode_are_named_once_each() -> None:
    assert segments_of("“Hello” — “you” 😀").forced_by == ("“", "”", "—", "😀")
    assert segments_of("Hello {you} [€] ~^|\\").forced_by == ()


def test_the_alphabet_is_complete() -> None:
    # 128 places, of which one is the escape to the extension.
    assert (len(BASIC), len(EXTENSION)) == (127, 10)
    assert not BASIC & EXTENSION


@given(st.text(max_size=400))
def test_the_segments_hold_the_units(text: str) -> None:
    counted = segments_of(text)
    alone, joined = (160, 153) if counted.encoding == GSM_7 else (70, 67)

    assert counted.count * (alone if counted.count == 1 else joined) >= counted.units
    assert (counted.encoding == UCS_2) == bool(counted.forced_by)
