"""Ids made many at a time are as good as those made one by one."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
import time_machine

from campaigns_app.database.random_ids import sortable_hex, sortable_uuids


def test_uuids_are_of_version_7_and_all_different() -> None:
    made = list(sortable_uuids(1000))

    assert len(set(made)) == 1000
    assert {UUID(text).version for text in made} == {7}
    assert {UUID(text).variant for text in made} == {"specified in RFC 4122"}
    assert all(str(UUID(text)) == text for text in made)


def test_hexadecimal_ids_have_32_digits_and_are_all_different() -> None:
    made = list(sortable_hex(1000))

    assert len(set(made)) == 1000
    assert {len(text) for text in made} == {32}
    assert int("".join(made), 16) >= 0


@pytest.mark.parametrize("make", [sortable_hex, sortable_uuids])
def test_those_made_later_sort_later(make: Callable[[int], Iterator[str]]) -> None:
    with time_machine.travel(0, tick=False) as clock:
        earlier = list(make(100))
        clock.shift(0.001)
        later = list(make(100))

    assert max(earlier) < min(later)


def test_what_is_left_to_chance_differs_in_every_digit() -> None:
    made = list(sortable_hex(2000))

    assert all(len({text[place] for text in made}) == 16 for place in range(12, 32))


def test_none_are_made_of_nothing() -> None:
    assert list(sortable_hex(0)) == list(sortable_uuids(0)) == []
