"""The form with which a person writes or changes a campaign."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    Field,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, Optional, StopValidation, ValidationError

from campaigns_app.campaigns.choices import find_inbox, possible_senders, usable_inboxes
from campaigns_app.campaigns.doubles import Submission
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.fields import (
    as_id,
    is_liquid,
    next_full_hour,
    offered,
    storable,
    trimmed,
    with_plain_line_ends,
)
from campaigns_app.campaigns.models import MESSAGE_LENGTH, TITLE_LENGTH, Campaign
from campaigns_app.campaigns.rules import LATEST_YEARS
from campaigns_app.campaigns.states import Follows
from campaigns_app.campaigns.template_choice import FIELD as TEMPLATE_FIELD
from campaigns_app.campaigns.template_fields import offer_templates
from campaigns_app.campaigns.undo import soonest_start
from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.labels import list_labels
from campaigns_app.errors import InvalidInput
from campaigns_app.local_time import LocalTimeField, viewer_zone, write_local_time

NOW = "now"
LATER = "later"

VARIABLES = (
    "contact.first_name",
    "contact.last_name",
    "contact.name",
    "contact.email",
    "contact.phone_number",
    "agent.name",
    "inbox.name",
    "account.name",
)
"""The variables that the form offers to put into a message; a message may name more."""

FIELD_OF = {"inbox": "inbox_id"}
"""Where the page shows what the service says of a field that the form calls otherwise."""


def is_in_future(form: "CampaignForm", field: Field) -> None:
    """A validator: where a time is chosen, it is there, has not passed, and is no slip."""
    if form.when.data == NOW:
        field.errors = []
        raise StopValidation
    if field.errors or form.keeps_time:
        return
    if field.data is None:
        raise ValidationError(_l("CAMPAIGN.CREATE.FORM.SCHEDULED_AT.ERROR"))
    grace = timedelta(seconds=current_app.config["SCHEDULE_GRACE_SECONDS"])
    if field.data < form.now - grace:
        raise ValidationError(_l("CAMPAIGN.CREATE.FORM.SCHEDULED_AT.PAST"))
    if field.data > form.now + timedelta(days=365 * LATEST_YEARS):
        raise ValidationError(_l("CAMPAIGN.CREATE.FORM.SCHEDULED_AT.TOO_FAR", years=LATEST_YEARS))


class CampaignForm(FlaskForm):
    """Title, message, inbox, audience, time and sender of a campaign.

    With a `campaign` it starts with that campaign's values; with a `channel` it offers that
    channel's inboxes only; `values` are other values to start with. `template_fields` are there
    where the inbox sends templates. `form_errors` holds what belongs to no single field.
    """

    title = StringField(
        _l("CAMPAIGN.CREATE.FORM.TITLE.LABEL"),
        filters=[trimmed],
        validators=[
            DataRequired(_l("CAMPAIGN.CREATE.FORM.TITLE.ERROR")),
            Length(
                max=TITLE_LENGTH,
                message=_l("CAMPAIGN.CREATE.FORM.TITLE.TOO_LONG", longest=TITLE_LENGTH),
            ),
            storable,
        ],
    )
    message = TextAreaField(
        _l("CAMPAIGN.CREATE.FORM.MESSAGE.LABEL"),
        filters=[with_plain_line_ends],
        validators=[
            DataRequired(_l("CAMPAIGN.CREATE.FORM.MESSAGE.ERROR")),
            Length(max=MESSAGE_LENGTH, message=_l("CAMPAIGN.CREATE.FORM.MESSAGE.TOO_LONG")),
            storable,
            is_liquid,
        ],
    )
    inbox_id = SelectField(
        _l("CAMPAIGN.CREATE.FORM.INBOX.LABEL"),
        coerce=as_id,
        validate_choice=False,
        validators=[
            DataRequired(_l("CAMPAIGN.CREATE.FORM.INBOX.ERROR")),
            offered(_l("CAMPAIGN.CREATE.FORM.INBOX.GONE")),
        ],
    )
    audience = SelectMultipleField(
        _l("CAMPAIGN.CREATE.FORM.AUDIENCE.LABEL"),
        coerce=as_id,
        validate_choice=False,
        validators=[
            DataRequired(_l("CAMPAIGN.CREATE.FORM.AUDIENCE.ERROR")),
            offered(_l("CAMPAIGN.CREATE.FORM.AUDIENCE.GONE")),
        ],
    )
    when = RadioField(
        _l("CAMPAIGN.CREATE.FORM.WHEN.LABEL"),
        choices=[
            SelectChoice(LATER, _l("CAMPAIGN.CREATE.FORM.WHEN.LATER")),
            SelectChoice(NOW, _l("CAMPAIGN.CREATE.FORM.WHEN.NOW")),
        ],
        default=LATER,
        validate_choice=False,
    )
    scheduled_at = LocalTimeField(
        _l("CAMPAIGN.CREATE.FORM.SCHEDULED_AT.LABEL"), validators=[is_in_future]
    )
    sender_id = SelectField(
        _l("CAMPAIGN.CREATE.FORM.SENDER.LABEL"),
        coerce=as_id,
        validate_choice=False,
        validators=[Optional(), offered(_l("CAMPAIGN.CREATE.FORM.SENDER.GONE"))],
    )
    submission = HiddenField(default=lambda: secrets.token_urlsafe(16))

    def __init__(
        self,
        account_id: int,
        *,
        now: datetime,
        campaign: Campaign | None = None,
        channel: Channel | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.now = now
        self.campaign = campaign
        start: dict[str, Any] = (
            _values_of(campaign) if campaign else {"scheduled_at": next_full_hour(now)}
        )
        start |= dict(values or {})
        super().__init__(data=start)
        self._offer_inboxes(account_id, channel)
        inbox = find_inbox(account_id, self.inbox_id.data)
        self.template_fields = offer_templates(inbox, start.get("template_params"))
        if self.template_fields is not None:
            # What is written is the template's; what stands here may be for another inbox.
            self.message.validators = ()
        self.labels = list_labels(account_id)
        self.audience.choices = [SelectChoice(str(one.id), one.title) for one in self.labels]
        if campaign and campaign.follows not in (None, Follows.NEW):
            # It is for recipients of another campaign, whatever labels they carry.
            del self.audience
        self.sender_id.choices = [
            SelectChoice("", _l("CAMPAIGN.CREATE.FORM.SENDER.NOBODY")),
            *(SelectChoice(str(user.id), user.name) for user in possible_senders(account_id)),
        ]

    @property
    def earliest(self) -> str:
        """The present minute, as the first that the time's control offers."""
        return write_local_time(self.now, viewer_zone())

    @property
    def zone_name(self) -> str:
        """The zone in which the time is meant (`Europe/Berlin`)."""
        return viewer_zone().key

    @property
    def has_inboxes(self) -> bool:
        """Whether there is an inbox to choose; the first choice is none."""
        return len(self.inbox_id.choices) > 1

    @property
    def keeps_time(self) -> bool:
        """Whether the time stands as the campaign has it, to the minute that a browser shows."""
        if self.campaign is None or self.campaign.scheduled_at is None:
            return False
        shown = write_local_time(self.campaign.scheduled_at, viewer_zone())
        return bool(self.scheduled_at.raw_data) and self.scheduled_at.raw_data[0] == shown

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether nothing is wrong, neither here nor with the template."""
        is_valid = super().validate(extra_validators)
        return (self.template_fields is None or self.template_fields.check()) and is_valid

    def to_draft(self) -> CampaignDraft:
        """What the person asked for; of a valid form."""
        return CampaignDraft(
            title=self.title.data,
            message="" if self.template_fields else self.message.data,
            template_params=self.template_fields.params if self.template_fields else None,
            inbox_id=self.inbox_id.data,
            audience=[{"type": "Label", "id": label_id} for label_id in self._label_ids()],
            scheduled_at=self.starts_at,
            sender_id=self.sender_id.data,
        )

    @property
    def starts_at(self) -> datetime | None:
        """When the campaign is to start; «now» leaves a moment in which it can be undone."""
        return soonest_start(self.now) if self.when.data == NOW else self.scheduled_at.data

    def to_changes(self) -> dict[str, Any]:
        """What the person asked to change, by a draft's names; of a valid form of a campaign."""
        draft = self.to_draft()
        names = {"title", "message", "template_params", "inbox_id", "audience", "sender_id"}
        names |= {"scheduled_at"}
        if self.when.data == LATER and self.keeps_time:
            names.discard("scheduled_at")
        if self.template_fields and self.template_fields.stands:
            names -= {"message", "template_params"}
        return {name: getattr(draft, name) for name in names}

    def _label_ids(self) -> list[int]:
        if self.audience is not None:
            return list(self.audience.data)
        return self.campaign.label_ids if self.campaign else []

    def to_submission(self) -> Submission:
        """That a person sent this form, and which it was."""
        return Submission(self._key(), by_hand=True)

    def _key(self) -> str:
        """The same whenever this very form is sent again with the same words in it.

        The words are part of it: who goes back and writes something else means another campaign.
        """
        names = ("submission", "title", "message", "inbox_id", "audience", "sender_id", "when")
        words = [self._fields[name].data for name in names if name in self._fields]
        words.append(self.template_fields and self.template_fields.params)
        if self.when.data != NOW:
            words.append(str(self.scheduled_at.data))
        return f"web-{hashlib.sha256(json.dumps(words).encode()).hexdigest()}"

    def refuse(self, refusal: InvalidInput) -> None:
        """Show at the fields what the service said of them."""
        for error in refusal.errors:
            field = self._fields.get(FIELD_OF.get(error.field, error.field))
            if self.template_fields and error.field.startswith(TEMPLATE_FIELD):
                self.template_fields.refuse(error)
            elif field is None:
                self.form_errors.append(error.message)
            else:
                field.errors = [*field.errors, error.message]

    def _offer_inboxes(self, account_id: int, channel: Channel | None) -> None:
        channels = get_channels()
        types = [channel.name] if channel else [one.name for one in channels]
        inboxes = usable_inboxes(account_id, types)
        if self.campaign and all(one.id != self.campaign.inbox_id for one in inboxes):
            # It was switched off since; whoever changes the title need not change the inbox.
            kept = find_inbox(account_id, self.campaign.inbox_id)
            inboxes += [kept] if kept else []
        self.inbox_id.choices = [
            SelectChoice("", _l("CAMPAIGN.CREATE.FORM.INBOX.PLACEHOLDER")),
            *(SelectChoice(str(one.id), one.name) for one in inboxes),
        ]
        if self.campaign is None and len(inboxes) == 1 and not self.is_submitted():
            self.inbox_id.data = inboxes[0].id


def _values_of(campaign: Campaign) -> dict[str, Any]:
    return {
        "title": campaign.title,
        "message": campaign.message,
        "template_params": campaign.template_params,
        "inbox_id": campaign.inbox_id,
        "audience": campaign.label_ids,
        "scheduled_at": campaign.scheduled_at,
        "sender_id": campaign.sender_id,
    }
