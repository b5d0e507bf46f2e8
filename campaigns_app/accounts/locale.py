"""The language and the time zone of a request, and instants written in them."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_datetime
from flask import has_request_context, request
from flask_babel import get_locale

from campaigns_app.accounts.access import find_member
from campaigns_app.catalogue import FOLDER

LANGUAGES = tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))


def choose_locale() -> str:
    """The browser's favourite among the languages there are texts for; else English."""
    if not has_request_context():
        return "en"
    return request.accept_languages.best_match(LANGUAGES, default="en")


def choose_time_zone() -> str:
    """The person's own time zone, else their account's, else UTC."""
    member = find_member() if has_request_context() else None
    if member is None:
        return "UTC"
    wanted = member.user.time_zone or member.account.time_zone
    return wanted if is_time_zone(wanted) else "UTC"


def viewer_zone() -> ZoneInfo:
    """The time zone in which the present person reads and writes times."""
    return ZoneInfo(choose_time_zone())


def is_time_zone(name: str) -> bool:
    """Whether `name` is a time zone of the IANA database (`Europe/Berlin`)."""
    return name in _time_zones()


def page_language() -> str:
    """The language of the page, as its `lang` attribute has it."""
    return str(get_locale()).replace("_", "-")


def short_time(instant: datetime) -> str:
    """`Nov 23, 2:05 PM` in the viewer's zone; with the year when that is not this one."""
    zone = viewer_zone()
    this_year = instant.astimezone(zone).year == datetime.now(zone).year
    pattern = "MMM d, h:mm a" if this_year else "MMM d, y, h:mm a"
    return format_datetime(instant, pattern, tzinfo=zone, locale=get_locale())


def zoned_time(instant: datetime) -> str:
    """`Mon, Nov 23, 2:05 PM GMT+01:00`: for texts that programs get, too."""
    zone = viewer_zone()
    return format_datetime(instant, "EEE, MMM d, h:mm a ZZZZ", tzinfo=zone, locale=get_locale())


def full_time(instant: datetime) -> str:
    """The instant in full, with the name of the viewer's zone."""
    return format_datetime(instant, "full", tzinfo=viewer_zone(), locale=get_locale())


def iso_time(instant: datetime) -> str:
    """The instant as ISO 8601 in UTC, for machines."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())
