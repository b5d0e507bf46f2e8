"""Quiet hours: outside an account's window nobody is written to, by each contact's own clock.

A contact's zone is the one it names itself (custom attribute `timezone`), else those in which its
number may be: then the window must be open in all of them. A window may go over midnight. Clocks
that are put forward or back are taken as they are: what counts is the time they show.

A number may be in the zones of its first digits, as far as its country's plan gives them to an
area, else in all of its country. That is not where the person is: a number can be taken along when
somebody moves. But all of the United States, from New York to Honolulu, have six of the twelve
hours from 8 to 20 in common, in winter seven, and none of the five from 9 to 14: people could be
written to in their afternoon only, or not at all. Who has moved names a zone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers import PhoneNumber
from phonenumbers.timezone import (
    UNKNOWN_TIMEZONE,
    time_zones_for_geographical_number,
    time_zones_for_number,
)

Zones = tuple[str, ...]

ATTRIBUTE = "timezone"
FAR_ISLANDS = frozenset({"Pacific/Guam", "Pacific/Pago_Pago", "Pacific/Saipan"})
"""Zones of +1 with area codes of their own, by which they are known. Who has another is not there,
and would have no hour in common with them and Newfoundland."""
FARTHEST = timedelta(days=4)
"""Zones that have no time in common within so many days have none at all."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time of day in which messages may be sent: from its start until just before its end."""

    start: time
    end: time

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> "Window | None":
        """The window as an account keeps it; None where messages may be sent at any time."""
        if not stored:
            return None
        return cls(time.fromisoformat(stored["from"]), time.fromisoformat(stored["to"]))

    @property
    def seconds(self) -> int:
        """How long it is open on a day whose clocks go as usual."""
        start, end = (60 * one.hour + one.minute for one in (self.start, self.end))
        return 60 * ((end - start) % (24 * 60))

    def holds(self, shown: time) -> bool:
        """Whether it is open when clocks show that."""
        if self.start <= self.end:
            return self.start <= shown < self.end
        return shown >= self.start or shown < self.end


def next_opening(window: Window, zones: Zones, now: datetime) -> datetime | None:
    """The first instant from `now` on at which the window is open in all `zones`; `now` itself
    where it is. None where there is no such instant."""
    at = now
    while at <= now + FARTHEST:
        openings = [_opening(window, ZoneInfo(zone), at) for zone in zones]
        if any(one is None for one in openings):
            return None
        latest = max(one for one in openings if one is not None)
        if latest == at:
            return at
        at = latest
    return None


class QuietHours:
    """An account's window. `usual_zone` is taken for contacts of whom nothing better is known.

    Who is in the same zones is answered alike within the same minute.
    """

    def __init__(self, window: Window, usual_zone: str) -> None:
        self._window = window
        self._usual: Zones = (usual_zone,)
        self._minute: datetime | None = None
        self._openings: dict[Zones, datetime | None] = {}

    def opening_for(self, contact: Mapping[str, Any], now: datetime) -> datetime | None:
        """When the contact (columns by name) may be written to, `now` or later; None: never."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._openings = minute, {}
        zones = zones_of(contact) or self._usual
        if zones not in self._openings:
            self._openings[zones] = next_opening(self._window, zones, minute)
        opening = self._openings[zones]
        return now if opening == minute else opening


def zones_of(contact: Mapping[str, Any]) -> Zones:
    """The zones in which a contact (columns by name) may be; none where nothing is known."""
    named = (contact["custom_attributes"] or {}).get(ATTRIBUTE)
    if isinstance(named, str) and named in _known_zones():
        return (named,)
    return _zones_of_number(contact["phone_number"] or "")


@lru_cache(maxsize=10_000)
def _zones_of_number(number: str) -> Zones:
    try:
        found = _zones_of_plan(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ()
    known = tuple(zone for zone in found if zone != UNKNOWN_TIMEZONE and zone in _known_zones())
    return tuple(zone for zone in known if zone not in FAR_ISLANDS) or known


def _zones_of_plan(number: PhoneNumber) -> Zones:
    """The zones of the number's area or country; of its first digits where it is no valid number,
    or one of a country that shares another's code, whose zones would be too many."""
    found: Zones = time_zones_for_number(number)
    country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    if UNKNOWN_TIMEZONE in found or phonenumbers.region_code_for_number(number) != country:
        found = time_zones_for_geographical_number(number)
    return found


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _opening(window: Window, zone: ZoneInfo, at: datetime) -> datetime | None:
    """The same for one zone. The window may open when clocks show its start, which can happen
    twice in a day, or when they are moved into it."""
    if window.holds(_shown(at, zone)):
        return at
    openings = (
        one
        for one in _starts(window.start, zone, at)
        if one > at and window.holds(_shown(one, zone))
    )
    return min(openings, default=None)


def _starts(start: time, zone: ZoneInfo, at: datetime) -> Iterator[datetime]:
    today = at.astimezone(zone).date()
    for days in range(-1, 3):
        day = today + timedelta(days=days)
        local = datetime.combine(day, start, zone)
        yield from (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        dawn, dusk = (
            datetime.combine(day + timedelta(days=more), time(), zone).astimezone(UTC)
            for more in (0, 1)
        )
        if dawn.astimezone(zone).utcoffset() != dusk.astimezone(zone).utcoffset():
            # Clocks leap over the start, or back behind the end: the window opens with the leap.
            yield _leap(zone, dawn, dusk)


def _leap(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second from which on clocks in `zone` go as they do at `after`."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def _shown(at: datetime, zone: ZoneInfo) -> time:
    return at.astimezone(zone).time()
