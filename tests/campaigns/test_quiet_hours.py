"""Nobody is written to outside the window, by their own clock."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS, PhoneNumberFormat, PhoneNumberType

from campaigns_app.campaigns.quiet_hours import QuietHours, Window, next_opening, zones_of

DAY = Window(time(8), time(21))
ZONES = (
    *("Europe/Berlin", "America/New_York", "America/Los_Angeles", "Australia/Lord_Howe"),
    *("Asia/Kolkata", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns"),
)
MINUTE = timedelta(minutes=1)

times = st.times().map(lambda one: one.replace(second=0, microsecond=0))
windows = st.tuples(times, times).filter(lambda pair: pair[0] != pair[1]).map(lambda p: Window(*p))
# Around the days on which clocks are put forward and back in most of these zones.
changes = st.sampled_from(
    [
        datetime(2026, *day, tzinfo=UTC)
        for day in ((3, 8), (3, 29), (4, 4), (10, 4), (10, 25), (11, 1))
    ]
)
moments = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    changes,
    st.integers(min_value=-2000, max_value=2000),
)


def is_open(window: Window, zone: str, at: datetime) -> bool:
    shown = at.astimezone(ZoneInfo(zone)).time()
    if window.start < window.end:
        return window.start <= shown < window.end
    return not window.end <= shown < window.start


@settings(max_examples=150, deadline=None)
@example(
    window=Window(time(0, 0), time(1, 1)),
    zone="America/Los_Angeles",
    now=datetime(2026, 11, 1, 8, 1, tzinfo=UTC),
)
@given(window=windows, zone=st.sampled_from(ZONES), now=moments)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    window: Window, zone: str, now: datetime
) -> None:
    opening = next_opening(window, (zone,), now)

    assert opening is not None
    assert opening >= now
    assert is_open(window, zone, opening)
    minutes = int((opening - now) / MINUTE)
    assert not any(is_open(window, zone, now + n * MINUTE) for n in range(minutes))


@settings(max_examples=60, deadline=None)
@given(
    window=windows,
    zones=st.lists(st.sampled_from(ZONES), min_size=2, max_size=3, unique=True).map(tuple),
    now=moments,
)
def test_of_several_zones_all_must_be_open(
    window: Window, zones: tuple[str, ...], now: datetime
) -> None:
    opening = next_opening(window, zones, now)

    span = int(timedelta(days=2) / MINUTE)
    first = next(
        (
            now + n * MINUTE
            for n in range(span)
            if all(is_open(window, zone, now + n * MINUTE) for zone in zones)
        ),
        None,
    )
    if first is not None:
        assert opening == first
    elif opening is not None:
        assert all(is_open(window, zone, opening) for zone in zones)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-01-15T12:00:00+00:00", "2026-01-15T12:00:00+00:00"),
        ("2026-01-15T20:00:00+00:00", "2026-01-16T07:00:00+00:00"),
        # The night in which clocks in Berlin are put forward has an hour less.
        ("2026-03-28T20:00:00+00:00", "2026-03-29T06:00:00+00:00"),
        ("2026-10-24T19:00:00+00:00", "2026-10-25T07:00:00+00:00"),
    ],
)
def test_it_opens_when_clocks_there_show_so(now: str, opens: str) -> None:
    found = next_opening(DAY, ("Europe/Berlin",), datetime.fromisoformat(now))

    assert found == datetime.fromisoformat(opens)


def test_zones_that_have_no_time_in_common_never_open() -> None:
    window = Window(time(10), time(11))

    assert next_opening(window, ("Europe/Berlin", "Asia/Tokyo"), datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("phone_number", "attributes", "zones"),
    [
        ("+4930123456", {}, ("Europe/Berlin",)),
        ("+4930123456", {"timezone": "Asia/Tokyo"}, ("Asia/Tokyo",)),
        ("+4930123456", {"timezone": "Mars/Olympus"}, ("Europe/Berlin",)),
        ("+4930123456", {"timezone": 7}, ("Europe/Berlin",)),
        # Possible, but no valid numbers: the first digits say the country all the same.
        ("+447700900123", {}, ("Europe/Guernsey", "Europe/Isle_of_Man", "Europe/London")),
        ("+491512", {}, ("Europe/Berlin",)),
        ("+12121550123", {}, ("America/New_York",)),
        # An area code is believed: see the docstring.
        ("+14155550001", {}, ("America/Los_Angeles",)),
        # Countries that share another's code.
        ("+18762101234", {}, ("America/Jamaica",)),
        ("+16847331234", {}, ("Pacific/Pago_Pago",)),
        ("+77710009998", {}, ("Asia/Almaty", "Asia/Aqtobe")),
        (None, {}, ()),
        ("no number", {}, ()),
        ("+88299999999", {}, ()),
    ],
)
def test_a_contacts_zone_is_its_own_or_its_numbers(
    phone_number: str | None, attributes: dict[str, Any], zones: tuple[str, ...]
) -> None:
    contact = {"phone_number": phone_number, "custom_attributes": attributes}

    assert zones_of(contact) == zones


@pytest.mark.parametrize("phone_number", ["+18005550001", "+15555550123"])
def test_a_number_without_an_area_may_be_anywhere_between_newfoundland_and_hawaii(
    phone_number: str,
) -> None:
    found = zones_of({"phone_number": phone_number, "custom_attributes": {}})

    assert {"America/St_Johns", "America/New_York", "Pacific/Honolulu"} < set(found)
    assert not {"Pacific/Guam", "Pacific/Pago_Pago"} & set(found)


@pytest.mark.parametrize("month", [1, 7])
def test_there_is_no_country_that_can_hardly_be_written_to(month: int) -> None:
    quarters = [datetime(2026, month, 15, tzinfo=UTC) + 15 * n * MINUTE for n in range(96)]

    def hours_open(region: str) -> float:
        mobile = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        number = mobile or phonenumbers.example_number(region)
        assert number is not None
        text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        zones = zones_of({"phone_number": text, "custom_attributes": {}})
        assert zones
        return sum(all(is_open(DAY, zone, at) for zone in zones) for at in quarters) / 4

    assert {one: hours_open(one) for one in SUPPORTED_REGIONS if hours_open(one) < 3} == {}


def test_who_is_in_no_known_zone_goes_by_the_accounts() -> None:
    hours = QuietHours(DAY, "Asia/Tokyo")
    contact: dict[str, Any] = {"phone_number": None, "custom_attributes": {}}

    night, day = (datetime(2026, 6, 1, hour, 0, 30, tzinfo=UTC) for hour in (15, 3))

    assert hours.opening_for(contact, night) == datetime(2026, 6, 1, 23, tzinfo=UTC)
    assert hours.opening_for(contact, day) == day
