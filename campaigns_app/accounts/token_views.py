"""The pages of access tokens: list, making one, the token that is shown once, revoking."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns_app.accounts import tokens
from campaigns_app.accounts.access import administrator_required, current_account, current_member
from campaigns_app.accounts.token_forms import TokenForm
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput
from campaigns_app.htmx import hx_trigger, is_htmx

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The account's tokens that are not revoked."""
    return _list_page("tokens/index.html")


@blueprint.get("/table")
def table() -> ResponseReturnValue:
    """The rows of the list alone, for htmx."""
    return _list_page("tokens/_table.html")


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """The form for a new token."""
    return render_template("tokens/new.html", form=TokenForm())


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Make a token.

    The answer is the page with the token, not a redirect to it: a secret that is shown once must
    not wait anywhere to be fetched.
    """
    form, now = TokenForm(), utcnow()
    if form.validate():
        try:
            token = tokens.create_token(
                current_member(), form.name.data or "", expires_at=form.expiry(now), now=now
            )
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return render_template("tokens/created.html", token=token), 201
    return render_template("tokens/new.html", form=form), 422


@blueprint.get("/<int:token_id>/revoke")
def confirm_revoke(token_id: int) -> ResponseReturnValue:
    """The question before a token is revoked: a dialog, or a page without JavaScript."""
    token = tokens.get_token(current_account().id, token_id)
    page = "tokens/_revoke_dialog.html" if is_htmx() else "tokens/revoke.html"
    return render_template(page, token=token)


@blueprint.post("/<int:token_id>/revoke")
def revoke(token_id: int) -> ResponseReturnValue:
    """Make a token worthless."""
    tokens.revoke_token(current_account().id, token_id, actor=current_user, now=utcnow())
    if is_htmx():
        return hx_trigger("token-revoked", toast=_("TOKENS.REVOKED"))
    flash(_("TOKENS.REVOKED"), "success")
    return redirect(url_for(".index"), 303)


def _list_page(template: str) -> str:
    rows = tokens.list_tokens(current_account().id)
    return render_template(template, tokens=rows, now=utcnow())
