"""The form of an inbox: its name, and a field for each setting that its channel declares."""

from flask_babel import lazy_gettext as _l
from wtforms import Field, StringField, URLField

from campaigns_app.channels.base import Channel, SettingField
from campaigns_app.checked_form import CheckedForm
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.service import InboxDraft

FIELDS: dict[str, type[Field]] = {"text": StringField, "url": URLField}
"""The field for each kind of setting."""


class InboxForm(CheckedForm):
    """An inbox of one channel; `form_for` makes it. What may be stored, the service knows."""

    channel: Channel
    name = StringField(_l("INBOXES.FORM.NAME.LABEL"))

    def setting_fields(self) -> list[tuple[Field, SettingField]]:
        """The fields of the channel's settings, each with its declaration."""
        return [(self[setting.name], setting) for setting in self.channel.settings]

    def to_draft(self) -> InboxDraft:
        """What the person wrote."""
        return InboxDraft(
            name=self.name.data or "",
            inbox_type=self.channel.name,
            settings={field.name: field.data or "" for field, setting in self.setting_fields()},
        )


def form_for(channel: Channel, inbox: Inbox | None = None) -> InboxForm:
    """The form of an inbox of `channel`; with an `inbox` it starts with that inbox's values."""
    fields = {setting.name: FIELDS[setting.kind](_l(setting.label)) for setting in channel.settings}
    form_class = type("ChannelInboxForm", (InboxForm,), {"channel": channel, **fields})
    given = {"name": inbox.name, **inbox.channel.settings} if inbox else {}
    form: InboxForm = form_class(data=given)
    return form
