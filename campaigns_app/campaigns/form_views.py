"""The form of a campaign: to make one, and to change one that has not started."""

from collections.abc import Callable
from typing import Any

from flask import make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import current_account
from campaigns_app.campaigns import service, texts
from campaigns_app.campaigns.choices import find_inbox
from campaigns_app.campaigns.fields import as_id
from campaigns_app.campaigns.forms import VARIABLES, CampaignForm
from campaigns_app.campaigns.funnel import count_funnel
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.pages import asked_channel, blueprint, done, find_campaign
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.trial_form import TrialForm
from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.types import utcnow
from campaigns_app.errors import AlreadyMade, InvalidInput, NotFound, Refused
from campaigns_app.extensions import db
from campaigns_app.htmx import is_htmx


@blueprint.get("/new")
def new() -> str:
    """An empty form; for one channel's inboxes when the address names a channel."""
    return _render_form(_make_form(channel=asked_channel()))


@blueprint.post("/")
def create() -> Response:
    """Save a campaign, or show the form again with what is wrong."""
    form = _make_form(channel=asked_channel())
    try:
        campaign = save_form(form, lambda: _create(form))
    except AlreadyMade:
        return done("campaign-created", _("CAMPAIGN.CREATE.SAVED_BEFORE"), kind="info")
    if campaign is None:
        return _refused(form)
    channel = get_channels().get(campaign.inbox.inbox_type)
    return done("campaign-created", texts.channel_text(channel, "CREATE.FORM.API.SUCCESS_MESSAGE"))


@blueprint.post("/validate", defaults={"display_id": None})
@blueprint.post("/<display_id:display_id>/validate")
def validate(display_id: int | None) -> str:
    """What is wrong with one field of a new campaign, or of one that is being changed."""
    form = _make_form(None if display_id is None else find_campaign(display_id))
    name, of_template = request.args.get("field", ""), form.template_fields
    if of_template is not None and name in of_template:
        of_template.check()
        return render_template("campaigns/_field_errors.html", field=of_template[name])
    field = form._fields.get(name)
    if field is None:
        raise NotFound("no such field")
    field.validate(form)
    return render_template("campaigns/_field_errors.html", field=field)


@blueprint.get("/audience-count")
def audience_count() -> str:
    """How many contacts the chosen labels reach through the chosen inbox."""
    account_id = current_account().id
    inbox = find_inbox(account_id, as_id(request.args.get("inbox_id")))
    label_ids = [one for one in map(as_id, request.args.getlist("audience")) if one is not None]
    funnel = None
    if inbox is not None and label_ids and inbox.inbox_type in get_channels():
        channel = get_channels().get(inbox.inbox_type)
        matched = matched_contacts(Selection(account_id, tuple(label_ids)))
        funnel = count_funnel(db.session(), matched, channel)
    return render_template("campaigns/_audience_count.html", funnel=funnel)


@blueprint.get("/<display_id:display_id>/edit")
def edit(display_id: int) -> str | Response:
    """The form of a campaign that has not started."""
    campaign = find_campaign(display_id)
    if campaign.is_completed:
        raise Refused(_("CAMPAIGN.EDIT.COMPLETED"))
    return _render_form(_make_form(campaign))


@blueprint.post("/<display_id:display_id>/edit")
def update(display_id: int) -> Response:
    """Change a campaign that has not started."""
    form = _make_form(find_campaign(display_id))
    try:
        campaign = save_form(form, lambda: _update(form, display_id))
    except Refused:
        form.form_errors.append(_("CAMPAIGN.EDIT.COMPLETED"))
        return _refused(form)
    if campaign is None:
        return _refused(form)
    return done("campaign-updated", _("CAMPAIGN.EDIT.SUCCESS_MESSAGE"))


def save_form(form: CampaignForm, save: Callable[[], Campaign]) -> Campaign | None:
    """What `save` saved; None where form or service find a field wrong, and then the form says
    why."""
    if not form.validate():
        return None
    try:
        return save()
    except InvalidInput as refusal:
        form.refuse(refusal)
    return None


def values_of_form(form: CampaignForm) -> dict[str, Any]:
    """What the form's template needs beside its title and where it is sent."""
    return {"form": form, "variables": VARIABLES, "in_dialog": is_htmx()}


def _make_form(campaign: Campaign | None = None, *, channel: Channel | None = None) -> CampaignForm:
    return CampaignForm(current_account().id, now=utcnow(), campaign=campaign, channel=channel)


def _create(form: CampaignForm) -> Campaign:
    return service.create_campaign(
        current_account(),
        form.to_draft(),
        actor=current_user,
        now=form.now,
        submission=form.to_submission(),
    )


def _update(form: CampaignForm, display_id: int) -> Campaign:
    return service.update_campaign(
        current_account(), display_id, form.to_changes(), actor=current_user, now=form.now
    )


def _render_form(form: CampaignForm) -> str:
    template = "campaigns/_form_dialog.html" if is_htmx() else "campaigns/form.html"
    return render_template(template, **_form_values(form))


def _refused(form: CampaignForm) -> Response:
    template = "campaigns/_form.html" if is_htmx() else "campaigns/form.html"
    return make_response(render_template(template, **_form_values(form)), 422)


def _form_values(form: CampaignForm) -> dict[str, Any]:
    channel = asked_channel()
    number = form.campaign.display_id if form.campaign else None
    if form.campaign:
        title, action = _("CAMPAIGN.EDIT.TITLE"), url_for("campaigns.update", display_id=number)
    else:
        title = texts.channel_text(channel, "CREATE.TITLE")
        action = url_for("campaigns.create", channel=channel.slug if channel else None)
    return values_of_form(form) | {
        "title": title,
        "action": action,
        "trial_form": TrialForm(current_user),
        "trial_url": url_for("campaigns.try_form", display_id=number),
    }
