"""The form of a page whose service has the last word."""

from flask_wtf import FlaskForm

from campaigns_app.errors import InvalidInput


class CheckedForm(FlaskForm):
    """A form that shows what a service said of its fields."""

    def add_errors(self, invalid: InvalidInput) -> None:
        """Put each error at its field, or above the form when it has no such field."""
        for error in invalid.errors:
            field = self._fields.get(error.field)
            if field is None:
                self.form_errors.append(error.message)
            else:
                field.errors = [*field.errors, error.message]
