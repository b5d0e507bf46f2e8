"""The form with which a person makes or changes a webhook endpoint."""

from typing import Self

from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice, SelectMultipleField, StringField, URLField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from campaigns_app.checked_form import CheckedForm
from campaigns_app.destinations import LONGEST_URL
from campaigns_app.webhooks.events import EVENT_TYPES
from campaigns_app.webhooks.models import WebhookEndpoint
from campaigns_app.webhooks.service import NAME_LENGTH, EndpointDraft


def trimmed(text: str | None) -> str:
    """`text` without blanks around it."""
    return (text or "").strip()


class EndpointForm(CheckedForm):
    """URL, name and subscriptions of an endpoint. What a URL must be, the service knows."""

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
        default=list(EVENT_TYPES),
        validate_choice=False,
        validators=[DataRequired(_l("WEBHOOKS.FORM.SUBSCRIPTIONS.REQUIRED"))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> Self:
        """The form as it is filled in for changing `endpoint`."""
        return cls(obj=endpoint)

    def to_draft(self) -> EndpointDraft:
        """The endpoint that the form describes."""
        return EndpointDraft(
            url=self.url.data, name=self.name.data, subscriptions=self.subscriptions.data
        )
