"""The parts of a campaign's form that concern a template: its choice, and how it will look."""

from flask import render_template, request

from campaigns_app.accounts.access import current_account
from campaigns_app.campaigns.choices import find_inbox
from campaigns_app.campaigns.forms import VARIABLES, CampaignForm
from campaigns_app.campaigns.pages import blueprint
from campaigns_app.campaigns.preflight import surroundings
from campaigns_app.campaigns.sampling import first_recipients
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.template_fields import TemplateFields
from campaigns_app.campaigns.template_preview import TemplatePreview, preview_template
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.template_list import sends_templates
from campaigns_app.inboxes.template_sync import sync_templates


@blueprint.post("/template")
def template_part() -> str:
    """The choice of a template of the chosen inbox, and fields for what it wants; empty where the
    inbox sends none. `sync` in the address has its list fetched first."""
    form = _make_form()
    inbox = find_inbox(current_account().id, form.inbox_id.data)
    if request.args.get("sync") and inbox is not None and sends_templates(inbox):
        sync_templates(inbox)
        form = _make_form()
    return render_template("campaigns/_template.html", form=form, variables=VARIABLES)


@blueprint.post("/template-preview")
def template_preview() -> str:
    """The template as it is filled in, as the first of the audience will see it."""
    form = _make_form()
    fields = form.template_fields
    shown = _preview(form, fields) if fields is not None else None
    return render_template("campaigns/_template_preview.html", preview=shown)


def _preview(form: CampaignForm, fields: TemplateFields) -> TemplatePreview | None:
    if fields.chosen is None:
        return None
    account, draft = current_account(), form.to_draft()
    labels = tuple(entry["id"] for entry in draft.audience)
    channel = get_channels().get(fields.inbox.inbox_type)
    matched = matched_contacts(Selection(account.id, labels))
    first = first_recipients(matched, channel, 1) if labels else ()
    around = surroundings(account, fields.inbox, draft)
    return preview_template(fields.chosen, fields.values, first[0] if first else None, around)


def _make_form() -> CampaignForm:
    return CampaignForm(current_account().id, now=utcnow())
