"""The pages of webhook endpoints: the list, the form, one endpoint with its deliveries."""

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns_app.accounts.access import administrator_required, current_account
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput
from campaigns_app.htmx import hx_redirect, is_htmx
from campaigns_app.webhooks import log_views, service
from campaigns_app.webhooks.forms import EndpointForm, RotateForm
from campaigns_app.webhooks.models import WebhookEndpoint

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")
blueprint.register_blueprint(log_views.blueprint)


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The account's endpoints."""
    endpoints = service.list_endpoints(current_account().id)
    return render_template("webhooks/index.html", endpoints=endpoints)


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """The form for a new endpoint."""
    return render_template("webhooks/new.html", form=EndpointForm())


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Make an endpoint.

    The answer is the page with the secret, not a redirect to it: a secret that is shown once must
    not wait anywhere to be fetched.
    """
    form = EndpointForm()
    if form.validate():
        try:
            endpoint = service.create_endpoint(
                current_account().id, form.to_draft(), actor=current_user
            )
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return _secret_shown(endpoint, _("WEBHOOKS.CREATED.TITLE")), 201
    return render_template("webhooks/new.html", form=form), 422


@blueprint.get("/<int:endpoint_id>")
def show(endpoint_id: int) -> ResponseReturnValue:
    """One endpoint and a page of its deliveries."""
    endpoint = service.get_endpoint(current_account().id, endpoint_id)
    return render_template(
        "webhooks/show.html", endpoint=endpoint, **log_views.what_happens(endpoint)
    )


@blueprint.get("/<int:endpoint_id>/edit")
def edit(endpoint_id: int) -> ResponseReturnValue:
    """The form for changing an endpoint."""
    endpoint = service.get_own_endpoint(current_account().id, endpoint_id)
    return render_template("webhooks/edit.html", form=EndpointForm.of(endpoint), endpoint=endpoint)


@blueprint.post("/<int:endpoint_id>")
def update(endpoint_id: int) -> ResponseReturnValue:
    """Change an endpoint."""
    form = EndpointForm()
    account_id = current_account().id
    if form.validate():
        try:
            service.update_endpoint(account_id, endpoint_id, form.to_draft(), actor=current_user)
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            flash(_("WEBHOOKS.UPDATED"), "success")
            return redirect(url_for(".show", endpoint_id=endpoint_id), 303)
    endpoint = service.get_own_endpoint(account_id, endpoint_id)
    return render_template("webhooks/edit.html", form=form, endpoint=endpoint), 422


@blueprint.get("/<int:endpoint_id>/rotate")
def confirm_rotate(endpoint_id: int) -> ResponseReturnValue:
    """The question before an endpoint gets a new secret."""
    endpoint = service.get_endpoint(current_account().id, endpoint_id)
    return render_template(
        "webhooks/rotate.html",
        endpoint=endpoint,
        form=RotateForm(),
        grace_hours=current_app.config["WEBHOOK_SECRET_GRACE_HOURS"],
    )


@blueprint.post("/<int:endpoint_id>/rotate")
def rotate(endpoint_id: int) -> ResponseReturnValue:
    """Give an endpoint a new secret. It is shown in the answer, for the reason `create` gives."""
    endpoint = service.rotate_secret(
        current_account().id,
        endpoint_id,
        now=utcnow(),
        keep_old=not RotateForm().leaked.data,
        actor=current_user,
    )
    return _secret_shown(endpoint, _("WEBHOOKS.ROTATED.TITLE"))


@blueprint.post("/<int:endpoint_id>/enable")
def enable(endpoint_id: int) -> ResponseReturnValue:
    """Tell an endpoint of events again."""
    service.enable_endpoint(current_account().id, endpoint_id, actor=current_user)
    flash(_("WEBHOOKS.ENABLED"), "success")
    return redirect(url_for(".show", endpoint_id=endpoint_id), 303)


@blueprint.post("/<int:endpoint_id>/disable")
def disable(endpoint_id: int) -> ResponseReturnValue:
    """Tell an endpoint of nothing new."""
    service.disable_endpoint(current_account().id, endpoint_id, actor=current_user)
    flash(_("WEBHOOKS.DISABLED"), "success")
    return redirect(url_for(".show", endpoint_id=endpoint_id), 303)


@blueprint.get("/<int:endpoint_id>/delete")
def confirm_delete(endpoint_id: int) -> ResponseReturnValue:
    """The question before an endpoint is deleted."""
    endpoint = service.get_own_endpoint(current_account().id, endpoint_id)
    return render_template("webhooks/delete.html", endpoint=endpoint)


@blueprint.post("/<int:endpoint_id>/delete")
def delete(endpoint_id: int) -> ResponseReturnValue:
    """Delete an endpoint."""
    service.delete_endpoint(current_account().id, endpoint_id, actor=current_user)
    flash(_("WEBHOOKS.DELETED"), "success")
    if is_htmx():
        return hx_redirect(url_for(".index"))
    return redirect(url_for(".index"), 303)


def _secret_shown(endpoint: WebhookEndpoint, title: str) -> str:
    return render_template("webhooks/secret.html", endpoint=endpoint, title=title)
