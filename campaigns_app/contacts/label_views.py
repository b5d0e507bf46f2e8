"""The pages of labels: list, form, deleting."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns_app.accounts.access import administrator_required, current_account
from campaigns_app.contacts.forms import LabelForm
from campaigns_app.contacts.labels import (
    create_label,
    delete_label,
    get_label,
    list_labels,
    update_label,
)
from campaigns_app.contacts.models import Label
from campaigns_app.errors import InvalidInput
from campaigns_app.htmx import hx_trigger, is_htmx

blueprint = Blueprint("labels", __name__, url_prefix="/labels")


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The list of labels with the number of contacts that carry each."""
    return render_template("labels/index.html", labels=list_labels(current_account().id))


@blueprint.get("/table")
def table() -> ResponseReturnValue:
    """The rows of the list alone, for htmx."""
    return render_template("labels/_table.html", labels=list_labels(current_account().id))


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """The form for another label."""
    return _form_page(LabelForm())


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Make a label."""
    form = LabelForm()
    if form.validate():
        try:
            create_label(current_account(), form.to_draft(), actor=current_user)
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return _back_to_list(_("LABELS.CREATED"))
    return _form_page(form), 422


@blueprint.get("/<int:label_id>/edit")
def edit(label_id: int) -> ResponseReturnValue:
    """The form of a label."""
    label = get_label(current_account().id, label_id)
    return _form_page(LabelForm(label), label)


@blueprint.post("/<int:label_id>")
def update(label_id: int) -> ResponseReturnValue:
    """Change a label."""
    label = get_label(current_account().id, label_id)
    form = LabelForm(label)
    if form.validate():
        try:
            update_label(current_account(), label_id, form.to_draft(), actor=current_user)
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return _back_to_list(_("LABELS.UPDATED"))
    return _form_page(form, label), 422


@blueprint.get("/<int:label_id>/delete")
def confirm_delete(label_id: int) -> ResponseReturnValue:
    """The question before a label is deleted: a dialog, or a page without JavaScript."""
    label = get_label(current_account().id, label_id)
    page = "labels/_delete_dialog.html" if is_htmx() else "labels/delete.html"
    return render_template(page, label=label)


@blueprint.post("/<int:label_id>/delete")
def delete(label_id: int) -> ResponseReturnValue:
    """Delete a label."""
    delete_label(current_account(), label_id, actor=current_user)
    if is_htmx():
        return hx_trigger("label-deleted", toast=_("LABELS.DELETED"))
    return _back_to_list(_("LABELS.DELETED"))


def _form_page(form: LabelForm, label: Label | None = None) -> str:
    return render_template("labels/form.html", form=form, label=label)


def _back_to_list(message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("labels.index"), 303)
