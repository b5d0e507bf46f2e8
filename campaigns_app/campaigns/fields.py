"""Form fields of our own: a time on the viewer's clock, choices that may have gone stale, texts as
they are kept."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import get_timezone
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, Field
from wtforms.validators import ValidationError

from campaigns_app.campaigns.rendering import check_message
from campaigns_app.database.text import is_storable

FORMATS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
"""How browsers send a local time; it is rendered in the first of them."""

LONGEST_ID = 18
"""Digits; what is longer might not fit a database's integer."""


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


def next_full_hour(now: datetime) -> datetime:
    """The next full hour on the viewer's clock."""
    local = now.astimezone(viewer_zone())
    ahead = timedelta(minutes=60 - local.minute, seconds=-local.second)
    return (local.astimezone(UTC) + ahead).replace(microsecond=0)


def _parse(text: str, zone: ZoneInfo) -> datetime | None:
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
    return None


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
            raise ValueError(_l("CAMPAIGN.CREATE.FORM.SCHEDULED_AT.SKIPPED")) from None
        if self.data is None:
            raise ValueError(_l("CAMPAIGN.CREATE.FORM.SCHEDULED_AT.INVALID"))


def as_id(value: Any) -> int | None:
    """A choice's value as a row's id; None for what cannot be one."""
    text = str(value)
    return int(text) if text.isdecimal() and len(text) <= LONGEST_ID else None


def offered(message: str) -> Callable[[Any, Field], None]:
    """A validator: everything chosen is among the field's choices."""

    def validate(form: Any, field: Field) -> None:
        chosen = field.data if isinstance(field.data, Collection) else [field.data]
        ids = {as_id(choice.value) for choice in field.choices}
        if any(one not in ids for one in chosen):
            raise ValidationError(message)

    return validate


def storable(form: FlaskForm, field: Field) -> None:
    """A validator: every database can keep the text."""
    if not is_storable(field.data):
        raise ValidationError(_l("CAMPAIGN.CREATE.FORM.NOT_TEXT"))


def is_liquid(form: FlaskForm, field: Field) -> None:
    """A validator: the message is Liquid that some contact could fill."""
    faults = list(check_message(field.data))
    if faults:
        raise ValidationError(" ".join(faults))


def trimmed(text: str | None) -> str:
    """`text` without blanks around it."""
    return (text or "").strip()


def with_plain_line_ends(text: str | None) -> str:
    """`text` with its lines ended as in the person's text area; browsers send two characters."""
    return (text or "").replace("\r\n", "\n")
