"""The pages of inboxes: list, form, the secret that is shown once, deleting."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns_app.accounts.access import administrator_required, current_account
from campaigns_app.channels.base import Channel
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import InvalidInput, NotFound
from campaigns_app.htmx import hx_trigger, is_htmx
from campaigns_app.inboxes import service
from campaigns_app.inboxes.checking import Connection, check_connection
from campaigns_app.inboxes.forms import InboxForm, form_for
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.provider_account import callback_url, provider_of
from campaigns_app.inboxes.readiness import faults_of
from campaigns_app.inboxes.secrets import ShownSecrets, show_secrets
from campaigns_app.inboxes.template_list import sync_of

blueprint = Blueprint("inboxes", __name__, url_prefix="/inboxes")


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The account's inboxes."""
    return _list_page("inboxes/index.html")


@blueprint.get("/table")
def table() -> ResponseReturnValue:
    """The rows of the list alone, for htmx."""
    return _list_page("inboxes/_table.html")


@blueprint.get("/new")
def choose() -> ResponseReturnValue:
    """The choice of a channel for a new inbox; the form itself where there is only one."""
    channels = list(get_channels())
    if len(channels) == 1:
        return redirect(url_for(".new", slug=channels[0].slug), 303)
    return render_template("inboxes/choose.html", channels=channels)


@blueprint.get("/new/<slug>")
def new(slug: str) -> ResponseReturnValue:
    """The form for a new inbox of a channel."""
    return _form_page(form_for(_channel(slug)))


@blueprint.post("/new/<slug>")
def create(slug: str) -> ResponseReturnValue:
    """Make an inbox."""
    form = form_for(_channel(slug))
    if form.validate():
        try:
            inbox = service.create_inbox(current_account().id, form.to_draft(), actor=current_user)
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            if provider_of(inbox):
                # There its callback address can be copied, and its account be checked.
                return _back_to(inbox, _("INBOXES.CREATED"))
            return _saved(inbox, _("INBOXES.CREATED"), had_endpoint=False)
    return _form_page(form), 422


@blueprint.get("/<int:inbox_id>")
def edit(inbox_id: int) -> ResponseReturnValue:
    """The form of an inbox."""
    inbox = service.get_inbox(current_account().id, inbox_id)
    return _form_page(_form_of(inbox), inbox)


@blueprint.post("/<int:inbox_id>")
def update(inbox_id: int) -> ResponseReturnValue:
    """Change an inbox."""
    account_id = current_account().id
    inbox = service.get_inbox(account_id, inbox_id)
    had_endpoint = service.find_own_endpoint(inbox) is not None
    form = _form_of(inbox)
    if form.validate():
        try:
            service.update_inbox(account_id, inbox_id, form.to_draft(), actor=current_user)
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return _saved(inbox, _("INBOXES.UPDATED"), had_endpoint=had_endpoint)
    return _form_page(form, inbox), 422


@blueprint.post("/<int:inbox_id>/check")
def check(inbox_id: int) -> ResponseReturnValue:
    """Ask the inbox's provider whether its account works, and say what it said."""
    connection = check_connection(service.get_inbox(current_account().id, inbox_id))
    if is_htmx():
        return render_template("inboxes/_connection.html", connection=connection)
    inbox = service.get_inbox(current_account().id, inbox_id)
    return _form_page(_form_of(inbox), inbox, connection)


@blueprint.post("/<int:inbox_id>/resume")
def resume(inbox_id: int) -> ResponseReturnValue:
    """Let messages leave a halted inbox again."""
    inbox = service.resume_halted(current_account().id, inbox_id, actor=current_user)
    return _back_to(inbox, _("INBOXES.RESUMED"))


@blueprint.post("/<int:inbox_id>/enable")
def enable(inbox_id: int) -> ResponseReturnValue:
    """Let campaigns leave from an inbox again."""
    service.enable_inbox(current_account().id, inbox_id, enabled=True, actor=current_user)
    return _back_to_list(_("INBOXES.ENABLED"))


@blueprint.post("/<int:inbox_id>/disable")
def disable(inbox_id: int) -> ResponseReturnValue:
    """Let no new campaign leave from an inbox."""
    service.enable_inbox(current_account().id, inbox_id, enabled=False, actor=current_user)
    return _back_to_list(_("INBOXES.DISABLED"))


@blueprint.get("/<int:inbox_id>/delete")
def confirm_delete(inbox_id: int) -> ResponseReturnValue:
    """The question before an inbox is deleted: a dialog, or a page without JavaScript."""
    inbox = service.get_inbox(current_account().id, inbox_id)
    page = "inboxes/_delete_dialog.html" if is_htmx() else "inboxes/delete.html"
    return render_template(page, inbox=inbox)


@blueprint.post("/<int:inbox_id>/delete")
def delete(inbox_id: int) -> ResponseReturnValue:
    """Delete an inbox."""
    service.delete_inbox(current_account().id, inbox_id, actor=current_user)
    if is_htmx():
        return hx_trigger("inbox-deleted", toast=_("INBOXES.DELETED"))
    return _back_to_list(_("INBOXES.DELETED"))


def _channel(slug: str) -> Channel:
    """The channel whose pages have that name. Raises `NotFound`."""
    for channel in get_channels():
        if channel.slug == slug:
            return channel
    raise NotFound(f"no channel {slug!r}")


def _list_page(template: str) -> str:
    labels = {channel.name: channel.label for channel in get_channels()}
    inboxes = service.list_inboxes(current_account().id)
    return render_template(template, inboxes=inboxes, labels=labels)


def _form_of(inbox: Inbox) -> InboxForm:
    return form_for(get_channels().get(inbox.inbox_type), inbox, _secrets_of(inbox).hints)


def _secrets_of(inbox: Inbox | None) -> ShownSecrets:
    return show_secrets(inbox.channel.secrets if inbox else None)


def _faults_of(inbox: Inbox | None) -> list[str]:
    """What the inbox lacks, but for what `ShownSecrets` say."""
    provider = provider_of(inbox) if inbox else None
    if inbox is None or provider is None:
        return []
    said = _secrets_of(inbox).fault
    return [one for one in faults_of(inbox, provider) if one != said]


def _form_page(
    form: InboxForm, inbox: Inbox | None = None, connection: Connection | None = None
) -> str:
    channel = form.channel
    provider = channel if isinstance(channel, ProviderChannel) else None
    return render_template(
        "inboxes/form.html",
        form=form,
        inbox=inbox,
        provider=provider,
        secrets=_secrets_of(inbox) if any(one.secret for one in form.declared) else None,
        faults=_faults_of(inbox),
        callback_url=callback_url(provider, inbox) if provider and inbox else None,
        connection=connection,
        sync=sync_of(inbox) if inbox and provider and provider.sends_templates else None,
    )


def _saved(inbox: Inbox, message: str, *, had_endpoint: bool) -> ResponseReturnValue:
    """The list; but where the inbox has a new endpoint, the page with its secret.

    That page is the answer itself, not one to be redirected to: a secret that is shown once must
    not wait anywhere to be fetched.
    """
    endpoint = None if had_endpoint else service.find_own_endpoint(inbox)
    if endpoint is None:
        return _back_to_list(message)
    return render_template("inboxes/secret.html", inbox=inbox, endpoint=endpoint), 201


def _back_to(inbox: Inbox, message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("inboxes.edit", inbox_id=inbox.id), 303)


def _back_to_list(message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("inboxes.index"), 303)
