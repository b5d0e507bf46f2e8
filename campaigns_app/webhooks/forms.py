"""The forms with which a person makes or changes a webhook endpoint, and its secret, and asks for
what failed once more."""

from datetime import datetime, timedelta
from typing import Self, cast

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_ngettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectMultipleField,
    StringField,
    TextAreaField,
    URLField,
    ValidationError,
)
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from campaigns_app.checked_form import CheckedForm
from campaigns_app.destinations import LONGEST_URL
from campaigns_app.local_time import LocalTimeField, viewer_zone
from campaigns_app.webhooks.custom_headers import masked
from campaigns_app.webhooks.drafts import NAME_LENGTH, EndpointDraft
from campaigns_app.webhooks.events import CHATWOOTS_EVENTS, EVENT_TYPES
from campaigns_app.webhooks.models import WebhookEndpoint

LONGEST_HEADERS = 20_000

REPLAY_DAYS = (1, 3, 7, 14)
"""How many days back failed deliveries can be sent again without a time being given."""

SINCE = "since"
LAST_DAYS = "WEBHOOKS.REPLAY.DAY"


def trimmed(text: str | None) -> str:
    """`text` without blanks around it."""
    return (text or "").strip()


class EndpointForm(CheckedForm):
    """What a person says about an endpoint. What it must be, the service knows."""

    url = URLField(
        _l("WEBHOOKS.FORM.URL.LABEL"),
        filters=[trimmed],
        validators=[DataRequired(_l("WEBHOOKS.FORM.URL.REQUIRED")), Length(max=LONGEST_URL)],
    )
    name = StringField(
        _l("WEBHOOKS.FORM.NAME.LABEL"), filters=[trimmed], validators=[Length(max=NAME_LENGTH)]
    )
    subscriptions = SelectMultipleField(
        _l("WEBHOOKS.FORM.SUBSCRIPTIONS.LABEL"),
        choices=[
            SelectChoice(event_type, _l(f"WEBHOOKS.EVENTS.{event_type.upper()}"))
            for event_type in EVENT_TYPES
        ],
        default=list(CHATWOOTS_EVENTS),
        validate_choice=False,
        validators=[DataRequired(_l("WEBHOOKS.FORM.SUBSCRIPTIONS.REQUIRED"))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    headers = TextAreaField(
        _l("WEBHOOKS.FORM.HEADERS.LABEL"),
        filters=[trimmed],
        validators=[Length(max=LONGEST_HEADERS)],
    )

    batch_size = IntegerField(
        _l("WEBHOOKS.FORM.BATCH_SIZE.LABEL"), default=1, validators=[Optional()]
    )

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> Self:
        """The form as it is filled in for changing `endpoint`; its headers' values are masked."""
        lines = [f"{name}: {value}" for name, value in masked(endpoint.headers).items()]
        return cls(
            url=endpoint.url,
            name=endpoint.name,
            subscriptions=endpoint.subscriptions,
            headers="\n".join(lines),
            batch_size=endpoint.batch_size,
        )

    def validate_headers(self, field: TextAreaField) -> None:
        """Refuse a line that is not `Name: value`, and a name that comes twice."""
        lines = self._header_lines()
        if any(not colon for _name, colon, _value in lines):
            raise ValidationError(_("WEBHOOKS.FORM.HEADERS.LINES"))
        names = [name.strip().lower() for name, _colon, _value in lines]
        if len(set(names)) < len(names):
            raise ValidationError(_("WEBHOOKS.FORM.HEADERS.TWICE"))

    def to_draft(self) -> EndpointDraft:
        """The endpoint that the form describes."""
        return EndpointDraft(
            url=self.url.data,
            name=self.name.data,
            subscriptions=self.subscriptions.data,
            headers={name.strip(): value.strip() for name, _colon, value in self._header_lines()},
            batch_size=self.batch_size.data,
        )

    def _header_lines(self) -> list[tuple[str, str, str]]:
        lines = (self.headers.data or "").split("\n")
        return [line.partition(":") for line in lines if line.strip()]


class ReplayForm(CheckedForm):
    """Since when what has failed is to be sent again: some days back, or a time."""

    period = RadioField(
        _l("WEBHOOKS.REPLAY.PERIOD"),
        choices=[
            *(
                SelectChoice(str(days), lazy_ngettext(LAST_DAYS, LAST_DAYS, days))
                for days in REPLAY_DAYS
            ),
            SelectChoice(SINCE, _l("WEBHOOKS.REPLAY.SINCE_A_TIME")),
        ],
        default=str(REPLAY_DAYS[0]),
    )
    since = LocalTimeField(_l("WEBHOOKS.REPLAY.SINCE"))

    @property
    def zone_name(self) -> str:
        """The zone in which the time is meant (`Europe/Berlin`)."""
        return viewer_zone().key

    def validate_since(self, field: LocalTimeField) -> None:
        """Ask for the time where one is to be given."""
        if self.period.data == SINCE and not field.data and not field.process_errors:
            raise ValidationError(_("WEBHOOKS.REPLAY.SINCE_REQUIRED"))

    def began_at(self, now: datetime) -> datetime:
        """The time that was chosen."""
        if self.period.data == SINCE:
            return cast(datetime, self.since.data)
        return now - timedelta(days=int(self.period.data))


class RotateForm(FlaskForm):
    """Whether the old secret of an endpoint is to sign on for a while."""

    leaked = BooleanField(_l("WEBHOOKS.ROTATE.LEAKED"))
