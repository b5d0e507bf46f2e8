"""Times on a person's own clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from campaigns_app.local_time import read_local_time, write_local_time

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_time_is_meant_on_the_clock_of_the_viewer() -> None:
    assert read_local_time("2026-11-25T14:30", BERLIN) == datetime(2026, 11, 25, 13, 30, tzinfo=UTC)


def test_a_time_that_clocks_leap_over_is_refused() -> None:
    with pytest.raises(ValueError, match="2027-03-28T02:30"):
        read_local_time("2027-03-28T02:30", BERLIN)


def test_a_time_that_clocks_show_twice_means_the_first() -> None:
    assert read_local_time("2026-10-25T02:30", BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-11-25", "0001-01-01T00:00", "2026-13-01T1"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_local_time(text, BERLIN) is None


def test_a_time_is_written_as_it_is_read() -> None:
    instant = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)

    assert write_local_time(instant, BERLIN) == "2026-07-01T12:00"
    assert read_local_time("2026-07-01T12:00", BERLIN) == instant
