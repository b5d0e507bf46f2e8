"""The forms of logging in and setting up."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from campaigns_app.accounts.service import NewAdministrator
from campaigns_app.errors import InvalidInput


class LoginForm(FlaskForm):
    """E-mail and password. `time_zone` is filled in by the browser, where it can."""

    email = EmailField(
        _l("LOGIN.EMAIL"), validators=[InputRequired(_l("LOGIN.EMAIL_REQUIRED")), Length(max=255)]
    )
    password = PasswordField(
        _l("LOGIN.PASSWORD"), validators=[InputRequired(_l("LOGIN.PASSWORD_REQUIRED"))]
    )
    time_zone = HiddenField()


class SetupForm(FlaskForm):
    """The first account and its administrator."""

    account_name = StringField(
        _l("SETUP.ACCOUNT_NAME"), validators=[InputRequired(_l("SETUP.REQUIRED")), Length(max=255)]
    )
    name = StringField(
        _l("SETUP.NAME"), validators=[InputRequired(_l("SETUP.REQUIRED")), Length(max=255)]
    )
    email = EmailField(
        _l("SETUP.EMAIL"), validators=[InputRequired(_l("SETUP.REQUIRED")), Length(max=255)]
    )
    password = PasswordField(_l("SETUP.PASSWORD"), validators=[InputRequired(_l("SETUP.REQUIRED"))])
    time_zone = HiddenField()

    def to_administrator(self) -> NewAdministrator:
        """The person the form describes."""
        return NewAdministrator(self.email.data, self.name.data, self.password.data)

    def add_errors(self, invalid: InvalidInput) -> None:
        """Show what the service refused beside the fields it names."""
        for error in invalid.errors:
            field = self[error.field]
            field.errors = [*field.errors, error.message]
