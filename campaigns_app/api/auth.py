"""Who a program acts as: the member whose access token it sends.

The account is the token's. A path that names an account too must name that one.
"""

from hashlib import sha256

from flask import Response, current_app, g, jsonify, request

from campaigns_app.accounts.models import CAMPAIGNS_FEATURE, Account, Membership
from campaigns_app.accounts.tokens import use_token
from campaigns_app.database.types import utcnow
from campaigns_app.errors import NotFound
from campaigns_app.extensions import db, limiter

TOKEN_HEADER = "api_access_token"  # noqa: S105


def _rate() -> str:
    return f"{current_app.config['API_REQUESTS_PER_MINUTE']} per minute"


def _caller() -> str:
    """Whose requests are counted together: a token's, or an address's without one."""
    token = _given_token()
    return sha256(token.encode()).hexdigest() if token else str(request.remote_addr)


@limiter.shared_limit(_rate, scope="api", key_func=_caller)
def authenticate() -> Response | None:
    """Find out on whose behalf the request is made, before it is dispatched.

    Returns the refusal of one that may not go on. Raises `NotFound` for a path that names an
    account that does not exist.
    """
    token = _given_token()
    if token is None:
        return _refusal(401, errors=["You need to sign in or sign up before continuing."])
    member = use_token(token, utcnow())
    if member is None:
        return _refusal(401, error="Invalid Access Token")
    g.member = member
    return _refuse_path_of_others(member) or _refuse_action(member)


def api_member() -> Membership:
    """The member on whose behalf the request is made."""
    member: Membership = g.member
    return member


def api_account() -> Account:
    """The account that the request works in."""
    return api_member().account


def _given_token() -> str | None:
    """The token in Chatwoot's header, or in the standard one; None where there is neither."""
    own = request.headers.get(TOKEN_HEADER)
    if own:
        return own
    bearer = request.authorization
    return bearer.token if bearer is not None and bearer.type == "bearer" else None


def _refuse_path_of_others(member: Membership) -> Response | None:
    """Take the account out of the path, so that views need not know in which form they are
    called."""
    named = (request.view_args or {}).pop("account_id", member.account_id)
    if named == member.account_id:
        return None
    if db.session.get(Account, named) is None:
        raise NotFound(f"no account {named}")
    return _refusal(401, error="You are not authorized to access this account")


def _refuse_action(member: Membership) -> Response | None:
    if not member.is_administrator:
        return _refusal(401, error="You are not authorized to do this action")
    if not member.account.has_feature(CAMPAIGNS_FEATURE):
        return _refusal(403, error="Campaigns are switched off for this account")
    return None


def _refusal(status: int, **body: object) -> Response:
    response = jsonify(body)
    response.status_code = status
    if status == 401:
        # RFC 9110, §15.5.2: it must say how to do better.
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
