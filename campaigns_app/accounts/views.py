"""Logging in and out, the set-up link, and what a person chooses for themselves."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _
from flask_login import current_user, login_required, logout_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import switch_account
from campaigns_app.accounts.forms import LoginForm, SetupForm
from campaigns_app.accounts.models import User
from campaigns_app.accounts.service import (
    LoginRefused,
    authenticate,
    end_sessions,
    is_setup_link_open,
    learn_time_zone,
    redeem_setup_link,
)
from campaigns_app.accounts.sessions import begin_session, is_safe_next
from campaigns_app.accounts.throttle import device_cookie
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput, Refused
from campaigns_app.extensions import limiter

LOGINS_PER_ADDRESS = "20/minute"
DEVICE_COOKIE_SECONDS = 180 * 24 * 3600

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/")
def start() -> ResponseReturnValue:
    """The start page is the list of campaigns."""
    return redirect(url_for("campaigns.index"), 303)


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """The login page; somebody who is logged in is sent on."""
    if current_user.is_authenticated:
        return redirect(_next_url(), 303)
    return render_template("accounts/login.html", form=LoginForm())


@blueprint.post("/login")
@limiter.limit(LOGINS_PER_ADDRESS)
def log_in() -> ResponseReturnValue:
    """Check e-mail and password, and begin a session."""
    form = LoginForm()
    if not form.validate():
        return render_template("accounts/login.html", form=form), 422
    device = request.cookies.get(_device_cookie_name())
    try:
        user = authenticate(form.email.data, form.password.data, device=device, now=utcnow())
    except LoginRefused as refused:
        form.form_errors = [_refusal(refused)]
        return render_template("accounts/login.html", form=form), 422
    return _welcome(user, form.time_zone.data, _next_url())


@blueprint.post("/logout")
@login_required
def logout() -> ResponseReturnValue:
    """End the person's sessions, here and on every other device."""
    end_sessions(current_user)
    logout_user()
    flash(_("LOGIN.LOGGED_OUT"), "success")
    return redirect(url_for(".login"), 303)


@blueprint.get("/setup/<token>")
def setup(token: str) -> ResponseReturnValue:
    """The form behind the one-time link."""
    if not is_setup_link_open(token, utcnow()):
        raise Refused(_("SETUP.LINK_DEAD"))
    return render_template("accounts/setup.html", form=SetupForm())


@blueprint.post("/setup/<token>")
@limiter.limit(LOGINS_PER_ADDRESS)
def set_up(token: str) -> ResponseReturnValue:
    """Create the first administrator, and log them in."""
    form = SetupForm()
    if form.validate():
        try:
            user = redeem_setup_link(
                token, form.account_name.data, form.to_administrator(), now=utcnow()
            )
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            response = _welcome(user, form.time_zone.data, url_for(".start"))
            flash(_("SETUP.DONE"), "success")
            return response
    return render_template("accounts/setup.html", form=form), 422


@blueprint.post("/profile/time-zone")
@login_required
def time_zone() -> ResponseReturnValue:
    """Learn the browser's time zone, in which pages then write times."""
    learn_time_zone(current_user, request.form.get("time_zone", ""))
    return "", 204


@blueprint.post("/profile/account")
@login_required
def switch() -> ResponseReturnValue:
    """Look at another of the person's accounts."""
    switch_account(request.form.get("account_id", 0, type=int))
    return redirect(url_for(".start"), 303)


def _welcome(user: User, zone: str | None, url: str) -> Response:
    begin_session(user)
    learn_time_zone(user, zone or "")
    response = redirect(url, 303)
    response.set_cookie(
        _device_cookie_name(),
        device_cookie(user.email),
        max_age=DEVICE_COOKIE_SECONDS,
        secure=current_app.config["COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def _device_cookie_name() -> str:
    return "__Host-device" if current_app.config["COOKIE_SECURE"] else "device"


def _next_url() -> str:
    wanted = request.args.get("next", "")
    return wanted if is_safe_next(wanted) else url_for(".start")


def _refusal(refused: LoginRefused) -> str:
    if not refused.wait_seconds:
        return str(_("LOGIN.REFUSED"))
    wait = format_timedelta(refused.wait_seconds, threshold=1.5)
    return str(_("LOGIN.WAIT", wait=wait))
