"""Who is asking, for which account, and whether they may.

A person may belong to several accounts; the session remembers which one they are looking at.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import g, session
from flask_babel import gettext as _
from flask_login import current_user, login_required

from campaigns_app.accounts.models import Account, Membership
from campaigns_app.errors import NotAllowed

P = ParamSpec("P")
R = TypeVar("R")

ACCOUNT_KEY = "account_id"


def find_member() -> Membership | None:
    """The logged-in person's place in the account they are looking at; None for a stranger."""
    if not current_user.is_authenticated:
        return None
    if "member" not in g:
        chosen = session.get(ACCOUNT_KEY)
        memberships = current_user.memberships
        first = memberships[0] if memberships else None
        g.member = next((one for one in memberships if one.account_id == chosen), first)
    member: Membership | None = g.member
    return member


def current_member() -> Membership:
    """The logged-in person's place in the account they are looking at: the one chosen last, or
    their first. Raises `NotAllowed` for somebody who belongs to no account, or is not logged in.
    """
    member = find_member()
    if member is None:
        raise NotAllowed(_("ERRORS.NO_ACCOUNT"))
    return member


def current_account() -> Account:
    """The account the logged-in person is looking at. Raises `NotAllowed` as `current_member`."""
    return current_member().account


def switch_account(account_id: int) -> None:
    """Look at another of the person's own accounts from now on.

    Raises `NotAllowed` when they do not belong to it.
    """
    if all(one.account_id != account_id for one in current_user.memberships):
        raise NotAllowed(_("ERRORS.NO_ACCOUNT"))
    session[ACCOUNT_KEY] = account_id
    g.pop("member", None)


def administrator_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let only administrators of the current account into `view`.

    A stranger is sent to the login; an agent gets `NotAllowed`.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_member().is_administrator:
            raise NotAllowed(_("ERRORS.ADMINISTRATORS_ONLY"))
        return view(*args, **kwargs)

    return login_required(guarded)  # type: ignore[no-any-return]


def feature_required(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse `view` with `NotAllowed` while the account's feature flag `name` is off.

    A stranger is sent to the login.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not current_account().has_feature(name):
                raise NotAllowed(_("ERRORS.FEATURE_OFF"))
            return view(*args, **kwargs)

        return login_required(guarded)  # type: ignore[no-any-return]

    return decorate
