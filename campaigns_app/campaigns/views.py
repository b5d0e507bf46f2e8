"""The pages of campaigns: the list, the form, one campaign with its recipients.

Partials have addresses of their own and are fetched by htmx; without it every page is whole.
"""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import administrator_required, current_account, feature_required
from campaigns_app.accounts.models import CAMPAIGNS_FEATURE
from campaigns_app.campaigns import service, texts
from campaigns_app.campaigns.audience import matched_contacts
from campaigns_app.campaigns.bar import bar_of
from campaigns_app.campaigns.choices import find_inbox
from campaigns_app.campaigns.fields import as_id
from campaigns_app.campaigns.forms import VARIABLES, CampaignForm
from campaigns_app.campaigns.freshness import seconds_until_news
from campaigns_app.campaigns.funnel import count_funnel
from campaigns_app.campaigns.listing import Listing, read_listing
from campaigns_app.campaigns.models import Campaign, RecipientState
from campaigns_app.campaigns.report import count_states, describe_campaigns, list_recipients
from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput, NotFound, Refused
from campaigns_app.extensions import db
from campaigns_app.htmx import (
    current_page,
    hx_redirect,
    hx_trigger,
    is_background,
    is_htmx,
    push_url,
    tell,
)

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")

LONGEST_SEARCH = 200
LAST_PAGE = 1_000_000


@blueprint.before_request
@administrator_required
@feature_required(CAMPAIGNS_FEATURE)
def let_in() -> None:
    """Let administrators in, where the account has campaigns at all."""


@blueprint.context_processor
def words() -> dict[str, Any]:
    """How these templates say what campaigns and recipients are."""
    return {
        "channel_text": texts.channel_text,
        "reason_text": texts.reason_text,
        "state_text": texts.state_text,
        "status_of": texts.status_of,
        "kind_of_state": texts.kind_of_state,
        "states": tuple(RecipientState),
    }


@blueprint.get("/")
def index() -> str:
    """The page of the list. The list itself comes after it, and is in it for who has no script."""
    return render_template(
        "campaigns/index.html", listing=_read_listing(), channels=list(get_channels())
    )


@blueprint.get("/table")
def table() -> Response:
    """The list."""
    listing = _read_listing()
    page = render_template("campaigns/_table.html", listing=listing)
    return _at(url_for("campaigns.index", **listing.place), page)


@blueprint.get("/new")
def new() -> str:
    """An empty form; for one channel's inboxes when the address names a channel."""
    return _render_form(_make_form(channel=_asked_channel()))


@blueprint.post("/")
def create() -> Response:
    """Save a campaign, or show the form again with what is wrong."""
    form = _make_form(channel=_asked_channel())
    campaign = _save(form, lambda: _create(form))
    if campaign is None:
        return _refused(form)
    channel = get_channels().get(campaign.inbox.inbox_type)
    return _done("campaign-created", texts.channel_text(channel, "CREATE.FORM.API.SUCCESS_MESSAGE"))


@blueprint.post("/validate", defaults={"display_id": None})
@blueprint.post("/<display_id:display_id>/validate")
def validate(display_id: int | None) -> str:
    """What is wrong with one field of a new campaign, or of one that is being changed."""
    form = _make_form(None if display_id is None else _find(display_id))
    field = form._fields.get(request.args.get("field", ""))
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
        funnel = count_funnel(db.session(), matched_contacts(account_id, label_ids), channel)
    return render_template("campaigns/_audience_count.html", funnel=funnel)


@blueprint.get("/<display_id:display_id>/edit")
def edit(display_id: int) -> str | Response:
    """The form of a campaign that has not started."""
    campaign = _find(display_id)
    if campaign.is_completed:
        raise Refused(_("CAMPAIGN.EDIT.COMPLETED"))
    return _render_form(_make_form(campaign))


@blueprint.post("/<display_id:display_id>/edit")
def update(display_id: int) -> Response:
    """Change a campaign that has not started."""
    form = _make_form(_find(display_id))
    if _save(form, lambda: _update(form, display_id)) is None:
        return _refused(form)
    return _done("campaign-updated", _("CAMPAIGN.EDIT.SUCCESS_MESSAGE"))


@blueprint.get("/<display_id:display_id>/delete")
def confirm_delete(display_id: int) -> str:
    """The question before a campaign is deleted."""
    template = "campaigns/_delete_dialog.html" if is_htmx() else "campaigns/delete.html"
    return render_template(template, campaign=_find(display_id), leave=request.args.get("leave"))


@blueprint.post("/<display_id:display_id>/delete")
def delete(display_id: int) -> Response:
    """Delete a campaign; `leave` in the address says that its own page was being looked at."""
    service.delete_campaign(current_account(), display_id, actor=current_user, now=utcnow())
    message = _("CAMPAIGN.CONFIRM_DELETE.API.SUCCESS_MESSAGE")
    if is_htmx() and request.args.get("leave"):
        flash(message, "success")
        return hx_redirect(url_for("campaigns.index"))
    return _done("campaign-deleted", message)


@blueprint.get("/<display_id:display_id>")
def show(display_id: int) -> str:
    """The page of one campaign."""
    campaign = _find(display_id)
    return render_template(
        "campaigns/show.html", **_overview_of(campaign), **_recipients_of(campaign)
    )


@blueprint.get("/<display_id:display_id>/overview")
def overview(display_id: int) -> Response:
    """What is happening with a campaign. `done` in the address is what the page shows already:
    when there is more, the list of recipients is told."""
    values = _overview_of(_find(display_id))
    response = make_response(render_template("campaigns/_overview.html", **values))
    if request.args.get("done", type=int) != values["row"].counts.done:
        tell(response, "campaign-progressed")
    return response


@blueprint.get("/<display_id:display_id>/recipients")
def recipients(display_id: int) -> Response:
    """A page of a campaign's recipients."""
    campaign = _find(display_id)
    values = _recipients_of(campaign)
    page = render_template("campaigns/_recipients.html", campaign=campaign, **values)
    number = values["found"].page
    place = {"state": values["state"], "page": number if number > 1 else None}
    return _at(url_for("campaigns.show", display_id=display_id, **place), page)


def _read_listing() -> Listing:
    # No text that is kept holds a NUL, and PostgreSQL does not even take one to compare with.
    search = request.args.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    return read_listing(current_account().id, _asked_channel(), search, _asked_page(), utcnow())


def _overview_of(campaign: Campaign) -> dict[str, Any]:
    (row,) = describe_campaigns([campaign])
    return {
        "campaign": campaign,
        "row": row,
        "bar": bar_of(row.counts),
        "refresh_seconds": seconds_until_news([campaign], utcnow()),
    }


def _recipients_of(campaign: Campaign) -> dict[str, Any]:
    asked = request.args.get("state")
    state = asked if asked in set(RecipientState) else None
    found = list_recipients(campaign, state=state, page=_asked_page())
    if found.page > found.pages:
        found = list_recipients(campaign, state=state, page=found.pages)
    return {"found": found, "state": state, "counts": count_states(campaign.id)}


def _find(display_id: int) -> Campaign:
    return service.get_campaign(current_account().id, display_id)


def _asked_channel() -> Channel | None:
    slug = request.args.get("channel", "")
    channel = next((one for one in get_channels() if one.slug == slug), None)
    if slug and channel is None:
        raise NotFound(f"no channel {slug}")
    return channel


def _asked_page() -> int:
    return min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)


def _make_form(campaign: Campaign | None = None, *, channel: Channel | None = None) -> CampaignForm:
    return CampaignForm(current_account().id, now=utcnow(), campaign=campaign, channel=channel)


def _save(form: CampaignForm, save: Callable[[], Campaign]) -> Campaign | None:
    """What `save` saved; None where form or service refuse, and then the form says why."""
    if not form.validate():
        return None
    try:
        return save()
    except InvalidInput as refusal:
        form.refuse(refusal)
    except Refused:
        form.form_errors.append(_("CAMPAIGN.EDIT.COMPLETED"))
    return None


def _create(form: CampaignForm) -> Campaign:
    return service.create_campaign(
        current_account(),
        form.to_draft(),
        actor=current_user,
        now=form.now,
        idempotency_key=form.idempotency_key(),
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
    return {
        "form": form,
        "channel": _asked_channel(),
        "variables": VARIABLES,
        "in_dialog": is_htmx(),
    }


def _done(event: str, message: str) -> Response:
    if is_htmx():
        return hx_trigger(event, toast=message)
    flash(message, "success")
    return redirect(url_for("campaigns.index"), 303)


def _at(address: str, part: str) -> Response:
    """A part of the page, which from now on stands at `address`."""
    response = make_response(part)
    if not is_background() and current_page() not in ("", address):
        push_url(response, address)
    return response
