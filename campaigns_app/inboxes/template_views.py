"""The pages of an inbox's templates: the list with a preview of each, and fetching it anew."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from campaigns_app.accounts.access import administrator_required, current_account
from campaigns_app.errors import NotFound
from campaigns_app.htmx import is_htmx
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.service import get_inbox
from campaigns_app.inboxes.template_list import list_templates, sends_templates, sync_of
from campaigns_app.inboxes.template_sync import sync_templates

blueprint = Blueprint("templates", __name__, url_prefix="/inboxes/<int:inbox_id>/templates")

PAGE_SIZE = 24


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def index(inbox_id: int) -> ResponseReturnValue:
    """The templates, each as people will see it."""
    inbox = _inbox(inbox_id)
    templates = list_templates(inbox)
    pages = max(1, -(-len(templates) // PAGE_SIZE))
    page = min(max(1, request.args.get("page", 1, type=int)), pages)
    return render_template(
        "inboxes/templates.html",
        inbox=inbox,
        sync=sync_of(inbox),
        templates=templates[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        page=page,
        pages=pages,
    )


@blueprint.post("/sync")
def sync(inbox_id: int) -> ResponseReturnValue:
    """Fetch the list from the provider now, and say how that went."""
    told = sync_templates(_inbox(inbox_id))
    inbox = _inbox(inbox_id)
    if is_htmx():
        return render_template("inboxes/_templates.html", inbox=inbox, sync=told)
    if told.fault is None:
        flash(_("INBOXES.TEMPLATES.SYNCED"), "success")
    return redirect(url_for(".index", inbox_id=inbox.id), 303)


def _inbox(inbox_id: int) -> Inbox:
    """The account's inbox, if templates leave from it. Raises `NotFound`."""
    inbox = get_inbox(current_account().id, inbox_id)
    if not sends_templates(inbox):
        raise NotFound(f"inbox {inbox_id} sends no templates")
    return inbox
