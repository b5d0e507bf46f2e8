"""How long a login lasts, and how it ends.

The session is a signed cookie. It holds who logged in (`User.get_id`, which changes when all
sessions of a person are ended), when that was, and when they were last seen; the limits are
checked here, on the server, at every request.
"""

from datetime import datetime, timedelta

from flask import Flask, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from campaigns_app.accounts.models import Membership, User
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db, login_manager
from campaigns_app.htmx import current_page, hx_redirect, is_background, is_htmx

STARTED_AT = "started_at"
SEEN_AT = "seen_at"
SEEN_EVERY = timedelta(seconds=30)
"""How exactly `SEEN_AT` is kept; saves a cookie in most answers."""


def init_app(app: Flask) -> None:
    """Set up the session cookie, its limits, and the way to the login."""
    secure = app.config["COOKIE_SECURE"]
    app.config.update(
        SESSION_COOKIE_NAME="__Host-session" if secure else "session",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=app.config["SESSION_MAX_HOURS"]),
    )
    # A template that is given the person loads them, also the page that says the database is away.
    login_manager.init_app(app, add_context_processor=False)
    # Its own check compares addresses and browsers, which change innocently.
    login_manager.session_protection = None
    login_manager.user_loader(load_user)
    login_manager.unauthorized_handler(send_to_login)
    app.before_request(_enforce_limits)


def begin_session(user: User) -> None:
    """Log `user` in, in a new session: nothing of the stranger's one survives."""
    now = utcnow().isoformat()
    session.clear()
    login_user(user)
    session[STARTED_AT] = session[SEEN_AT] = now


def load_user(session_user: str) -> User | None:
    """The person whom a session names, with memberships and accounts; None when their sessions
    have been ended since, or they are gone."""
    user_id = session_user.partition(".")[0]
    statement = (
        select(User)
        .where(User.id == int(user_id))
        .options(selectinload(User.memberships).options(joinedload(Membership.account)))
    )
    user = db.session.scalar(statement)
    return user if user is not None and user.get_id() == session_user else None


def send_to_login() -> ResponseReturnValue:
    """Where a stranger is sent who wanted a page: to the login, and afterwards back."""
    if is_htmx():
        return hx_redirect(url_for("accounts.login", next=current_page() or None))
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.login", next=wanted if wanted != "/" else None), 303)


def is_safe_next(target: str) -> bool:
    """Whether `target` is a path of this site, and no way to put another site's address
    (`//evil.example`, `/\\evil.example`) past a careless reader."""
    return (
        target.startswith("/")
        and not target.startswith("//")
        and "\\" not in target
        and target.isprintable()
    )


def _enforce_limits() -> None:
    if request.endpoint == "static" or "_user_id" not in session:
        return
    now = utcnow()
    if _is_over(now):
        session.clear()
        flash(_("LOGIN.EXPIRED"), "info")
    elif not is_background() and now - _instant(SEEN_AT) >= SEEN_EVERY:
        session[SEEN_AT] = now.isoformat()


def _is_over(now: datetime) -> bool:
    config = current_app.config
    idle = timedelta(minutes=config["SESSION_IDLE_MINUTES"])
    most = timedelta(hours=config["SESSION_MAX_HOURS"])
    return now - _instant(SEEN_AT) > idle or now - _instant(STARTED_AT) > most


def _instant(key: str) -> datetime:
    return datetime.fromisoformat(session[key])
