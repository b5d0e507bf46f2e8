"""A message filled in the quick way is the one that Liquid writes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid import Environment

from campaigns_app.campaigns.substitution import Substitution, substitution_of

LIMIT = 10_000
ROOTS = ("contact", "inbox")
NAMES = st.sampled_from(["contact", "inbox", "name", "plan", "none", "deep", "size", "first", "0"])

text = st.text(st.characters(exclude_characters="{}%", exclude_categories=["Cs"]), max_size=20)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | text
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)
outputs = st.builds(
    lambda path, left, right: f"{{{{{left}{'.'.join(path)}{right}}}}}",
    st.lists(NAMES.filter(lambda name: name != "0"), min_size=1, max_size=4),
    st.sampled_from([" ", "- "]),
    st.sampled_from([" ", " -"]),
)
messages = st.lists(text | outputs, max_size=6).map("".join)


def substitution(message: str) -> Substitution | None:
    return substitution_of(Environment().from_string(message), ROOTS, LIMIT)


@given(messages, st.fixed_dictionaries({"contact": values, "inbox": values}))
def test_it_says_what_liquid_says(message: str, around: dict[str, Any]) -> None:
    quick = substitution(message)

    if quick is not None:
        assert quick.fill(around) == Environment().from_string(message).render(**around)


@pytest.mark.parametrize(
    "message",
    [
        "{{ contact.name | upcase }}",
        "{% if contact.name %}x{% endif %}",
        "{{ contact.name.size }}",
        "{{ contact[inbox.name] }}",
        "{{ contact[0] }}",
        "{{ now }}",
        "{{ 'text' }}",
    ],
)
def test_what_is_more_than_a_value_is_left_to_liquid(message: str) -> None:
    assert substitution(message) is None


def test_what_may_be_too_long_is_left_to_liquid() -> None:
    quick = substitution("{{ contact.name }}")

    assert quick is not None
    assert quick.fill({"contact": {"name": "x" * LIMIT}}) is None
