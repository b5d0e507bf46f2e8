"""The form of an access token."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import SelectChoice, SelectField, StringField

from campaigns_app.checked_form import CheckedForm

DAYS = ("30", "90", "365")
NEVER = ""


class TokenForm(CheckedForm):
    """What an access token is for, and how long it is good."""

    name = StringField(_l("TOKENS.FORM.NAME"))
    days = SelectField(
        _l("TOKENS.FORM.EXPIRES"),
        choices=[
            *(SelectChoice(days, _l("TOKENS.FORM.DAYS", days=days)) for days in DAYS),
            SelectChoice(NEVER, _l("TOKENS.FORM.NEVER")),
        ],
        default="90",
    )

    def expiry(self, now: datetime) -> datetime | None:
        """When the token stops being good; None for never."""
        return now + timedelta(days=int(self.days.data)) if self.days.data else None
