"""A campaign's counts as one bar."""

from hypothesis import given
from hypothesis import strategies as st

from campaigns_app.campaigns.bar import LEAST, LENGTH, bar_of
from campaigns_app.campaigns.report import Counts
from campaigns_app.campaigns.states import RecipientState

counts_by_state = st.dictionaries(
    st.sampled_from([str(state) for state in RecipientState]), st.integers(0, 2_000_000)
)


def test_nobody_makes_no_bar() -> None:
    assert bar_of(Counts()) == []


@given(counts_by_state)
def test_the_parts_fill_the_bar_without_a_gap(numbers: dict[str, int]) -> None:
    parts = bar_of(Counts(total=sum(numbers.values()), **numbers))

    place = 0.0
    for part in parts:
        assert abs(part.start - place) < 0.1
        assert part.length >= LEAST
        place = part.start + part.length
    assert not parts or abs(place - LENGTH) < 0.1


def test_one_failure_among_a_million_is_seen() -> None:
    (sent, failed) = bar_of(Counts(total=1_000_000, sent=999_999, failed=1))

    assert (sent.state, failed.state, failed.count) == ("sent", "failed", 1)
    assert failed.length >= LEAST
