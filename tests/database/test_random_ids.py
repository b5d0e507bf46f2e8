"""Ids made many at a time are as good as those made one by one."""

from uuid import UUID

from campaigns_app.database.random_ids import random_hex, random_uuids


def test_uuids_are_random_ones_and_all_different() -> None:
    made = list(random_uuids(1000))

    assert len(set(made)) == 1000
    assert {UUID(text).version for text in made} == {4}
    assert {UUID(text).variant for text in made} == {"specified in RFC 4122"}
    assert all(str(UUID(text)) == text for text in made)


def test_hexadecimal_ids_have_32_digits_and_are_all_different() -> None:
    made = list(random_hex(1000))

    assert len(set(made)) == 1000
    assert {len(text) for text in made} == {32}
    assert int("".join(made), 16) >= 0


def test_none_are_made_of_nothing() -> None:
    assert list(random_hex(0)) == list(random_uuids(0)) == []
