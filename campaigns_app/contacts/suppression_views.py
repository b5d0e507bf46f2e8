"""The pages of suppressed addresses: list, form, import, removing."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns_app.accounts.access import administrator_required, current_account
from campaigns_app.contacts import suppressions
from campaigns_app.contacts.forms import SuppressionForm, SuppressionListForm
from campaigns_app.errors import InvalidInput
from campaigns_app.htmx import hx_trigger, is_htmx

LAST_PAGE = 1_000_000

blueprint = Blueprint("suppressions", __name__, url_prefix="/suppressions")


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The list of suppressed addresses, with search."""
    return render_template("suppressions/index.html", **_listed())


@blueprint.get("/table")
def table() -> ResponseReturnValue:
    """The rows of the list alone, for htmx."""
    return render_template("suppressions/_table.html", **_listed())


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """The form for another address."""
    return render_template("suppressions/form.html", form=SuppressionForm())


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Suppress an address."""
    form = SuppressionForm()
    if form.validate():
        try:
            suppressions.create_suppression(
                current_account(),
                form.address.data or "",
                form.note.data or "",
                actor=current_user,
            )
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return _back_to_list(_("SUPPRESSIONS.CREATED"))
    return render_template("suppressions/form.html", form=form), 422


@blueprint.get("/import")
def upload() -> ResponseReturnValue:
    """The form that takes a list."""
    return render_template("suppressions/import.html", form=SuppressionListForm())


@blueprint.post("/import")
def import_list() -> ResponseReturnValue:
    """Suppress the addresses of a list; the page says what became of them."""
    form = SuppressionListForm()
    done = None
    if form.validate():
        try:
            done = suppressions.import_suppressions(
                current_account(),
                form.text(),
                form.note.data or "",
                default_region=form.default_region.data or None,
                actor=current_user,
            )
        except InvalidInput as invalid:
            form.add_errors(invalid)
    if done is not None and not done.refused_count:
        return _back_to_list(_("SUPPRESSIONS.IMPORT.DONE", added=done.added, known=done.known))
    page = render_template("suppressions/import.html", form=form, done=done)
    return page, 422 if done is None else 200


@blueprint.get("/<int:suppression_id>/delete")
def confirm_delete(suppression_id: int) -> ResponseReturnValue:
    """The question before an address may be messaged again: a dialog, or a page."""
    found = suppressions.get_suppression(current_account().id, suppression_id)
    page = "suppressions/_delete_dialog.html" if is_htmx() else "suppressions/delete.html"
    return render_template(page, suppression=found)


@blueprint.post("/<int:suppression_id>/delete")
def delete(suppression_id: int) -> ResponseReturnValue:
    """Let an address be messaged again."""
    suppressions.delete_suppression(current_account(), suppression_id, actor=current_user)
    if is_htmx():
        return hx_trigger("suppression-deleted", toast=_("SUPPRESSIONS.DELETED"))
    return _back_to_list(_("SUPPRESSIONS.DELETED"))


@blueprint.app_template_global()
def suppression_source(source: str) -> str:
    """How an address came to be suppressed, in words."""
    key = f"SUPPRESSIONS.SOURCE.{source.upper()}"
    text = str(_(key))
    return source if text == key else text


def _listed() -> dict[str, Any]:
    search = request.args.get("search", "")
    number = min(request.args.get("page", 1, type=int), LAST_PAGE)
    found = suppressions.list_suppressions(current_account().id, search=search, page=number)
    return {"found": found, "search": search}


def _back_to_list(message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("suppressions.index"), 303)
