"""The form of an inbox: its name, a field for each setting that its channel declares, its rate."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    Field,
    FloatField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
    URLField,
)
from wtforms.validators import Optional
from wtforms.widgets import NumberInput

from campaigns_app.channels.base import Channel, SettingField
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.checked_form import CheckedForm
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.provider_account import BASE_URL
from campaigns_app.inboxes.settings import setting_fields

FORGET = "forget_"
"""Before a secret's name: the field that says it is to be forgotten."""


class RateField(FloatField):
    """What may leave in a second."""

    widget = NumberInput(step="any", min=0)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what the person wrote; what is no number becomes the field's error."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_l("INBOXES.ERRORS.SETTING_NUMBER")) from None


class InboxForm(CheckedForm):
    """An inbox of one channel; `form_for` makes it. What may be stored, the service knows."""

    channel: Channel
    declared: list[SettingField]
    name = StringField(_l("INBOXES.FORM.NAME.LABEL"))

    def setting_fields(self) -> list[tuple[Field, SettingField]]:
        """The fields of the channel's settings, each with its declaration."""
        return [(self[setting.name], setting) for setting in self.declared]

    def forget_field(self, setting: SettingField) -> Field | None:
        """The field that says that a secret is to be forgotten, where that can be said."""
        field: Field | None = self._fields.get(FORGET + setting.name)
        return field

    def to_draft(self) -> InboxDraft:
        """What the person wrote. A secret that was left blank stays, unless it is to be
        forgotten."""
        said = {}
        for field, setting in self.setting_fields():
            forget = self.forget_field(setting)
            if field.data or not setting.secret or (forget is not None and forget.data):
                said[setting.name] = field.data or ""
        rate = self.rate.data if "rate" in self else None
        return InboxDraft(self.name.data or "", self.channel.name, said, rate)


def form_for(channel: Channel, inbox: Inbox | None = None, set_secrets: Any = ()) -> InboxForm:
    """The form of an inbox of `channel`; with an `inbox` it starts with that inbox's values, and
    offers to forget those of `set_secrets` that are not required."""
    settings = inbox.channel.settings if inbox else {}
    declared = setting_fields(channel, settings.get(BASE_URL, ""))
    fields: dict[str, Any] = {setting.name: _field(setting) for setting in declared}
    for setting in declared:
        if setting.name in set_secrets and not setting.required:
            fields[FORGET + setting.name] = BooleanField(_l("INBOXES.FORM.SECRET.FORGET"))
    if isinstance(channel, ProviderChannel):
        fields["rate"] = RateField(_l("INBOXES.FORM.RATE.LABEL"), validators=[Optional()])
    form_class = type(
        "ChannelInboxForm", (InboxForm,), {"channel": channel, "declared": declared, **fields}
    )
    given = {"name": inbox.name, "rate": inbox.rate, **settings} if inbox else {}
    form: InboxForm = form_class(data=given)
    return form


def _field(setting: SettingField) -> Field:
    label = _l(setting.label)
    if setting.secret:
        return PasswordField(label)
    match setting.kind:
        case "select":
            # The service says what is wrong, to programs as well.
            choices = [SelectChoice(value, _l(text)) for value, text in setting.extra["choices"]]
            return SelectField(label, choices=choices, validate_choice=False)
        case "url":
            return URLField(label)
        case "number":
            return StringField(label, widget=NumberInput(step="any"))
    return StringField(label)
