"""The page of the account's settings: when its messages may be sent."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import TimeField
from wtforms.validators import Optional

from campaigns_app.accounts import audit_views
from campaigns_app.accounts.access import administrator_required, current_account
from campaigns_app.accounts.audit import record
from campaigns_app.extensions import db

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
blueprint.register_blueprint(audit_views.blueprint)


class QuietHoursForm(FlaskForm):
    """The window in which messages may be sent; both blank: at any time."""

    start = TimeField(_l("SETTINGS.QUIET_HOURS.START"), validators=[Optional()])
    end = TimeField(_l("SETTINGS.QUIET_HOURS.END"), validators=[Optional()])

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether both are given, and differ, or neither is."""
        if not super().validate(extra_validators):
            return False
        if (self.start.data is None) != (self.end.data is None):
            missing = self.start if self.start.data is None else self.end
            missing.errors = [_("SETTINGS.QUIET_HOURS.BOTH")]
        elif self.start.data is not None and self.start.data == self.end.data:
            self.end.errors = [_("SETTINGS.QUIET_HOURS.SAME")]
        return not (self.start.errors or self.end.errors)

    def to_window(self) -> dict[str, str] | None:
        """What the account keeps of it."""
        if self.start.data is None:
            return None
        return {"from": f"{self.start.data:%H:%M}", "to": f"{self.end.data:%H:%M}"}


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def show() -> str:
    """The settings as they are."""
    form = QuietHoursForm()
    window = current_account().quiet_hours or {}
    form.start.raw_data, form.end.raw_data = [window.get("from", "")], [window.get("to", "")]
    return render_template("settings/show.html", form=form)


@blueprint.post("")
def save() -> ResponseReturnValue:
    """Change the window; who is held already is asked again when its present end comes."""
    form = QuietHoursForm()
    if not form.validate():
        return render_template("settings/show.html", form=form), 422
    account = current_account()
    before = {"quiet_hours": account.quiet_hours}
    account.quiet_hours = form.to_window()
    record(
        "account.updated",
        current_user,
        account,
        before=before,
        after={"quiet_hours": account.quiet_hours},
    )
    db.session.commit()
    flash(_("SETTINGS.SAVED"), "success")
    return redirect(url_for("settings.show"), 303)
