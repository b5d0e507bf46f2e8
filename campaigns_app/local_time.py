"""Times that a person gives in a form, on their own clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_babel import get_timezone
from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField

FORMATS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
"""How browsers send a local time; it is rendered in the first of them."""


def viewer_zone() -> ZoneInfo:
    """The time zone of whoever looks at the page."""
    return ZoneInfo(str(get_timezone()))


def read_local_time(text: str, zone: ZoneInfo) -> datetime | None:
    """The instant (UTC) at which clocks in `zone` show `text`; None when it is no time at all.

    An hour that clocks show twice means its first passage. Raises `ValueError` for a time that
    clocks in `zone` leap over.
    """
    local = _parse(text, zone)
    if local is None:
        return None
    try:
        instant = local.astimezone(UTC)
        shown = instant.astimezone(zone)
    except OverflowError:
        return None
    # What is leapt over comes back as another time of day.
    if shown.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError(text)
    return instant


def write_local_time(instant: datetime, zone: ZoneInfo) -> str:
    """`instant` as a `datetime-local` control shows it in `zone`, to the minute."""
    return instant.astimezone(zone).strftime(FORMATS[0])


class LocalTimeField(DateTimeLocalField):
    """A date and time on the viewer's clock; `data` is the instant, aware, in UTC."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return write_local_time(self.data, viewer_zone()) if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what the browser sent; a time that cannot be meant becomes the field's error."""
        self.data = None
        text = "".join(valuelist).strip()
        if not text:
            return
        try:
            self.data = read_local_time(text, viewer_zone())
        except ValueError:
            raise ValueError(_l("APP.TIME.SKIPPED")) from None
        if self.data is None:
            raise ValueError(_l("APP.TIME.INVALID"))


def _parse(text: str, zone: ZoneInfo) -> datetime | None:
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
    return None
