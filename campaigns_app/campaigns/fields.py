"""What is peculiar to the fields of a campaign's forms: the time that is proposed, choices that may
have gone stale, texts as they are kept."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field
from wtforms.validators import ValidationError

from campaigns_app.campaigns.rendering import check_message
from campaigns_app.database.text import is_storable
from campaigns_app.local_time import viewer_zone

LONGEST_ID = 18
"""Digits; what is longer might not fit a database's integer."""


def next_full_hour(now: datetime) -> datetime:
    """The next full hour on the viewer's clock."""
    local = now.astimezone(viewer_zone())
    ahead = timedelta(minutes=60 - local.minute, seconds=-local.second)
    return (local.astimezone(UTC) + ahead).replace(microsecond=0)


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
