"""The audience of a campaign: its funnel, what has changed in it, and why a contact is in or out.

A card of the campaign's page, which comes after it because counting takes a moment; without htmx
it is a page of its own, with the same address.
"""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import administrator_required, current_account, feature_required
from campaigns_app.accounts.models import CAMPAIGNS_FEATURE
from campaigns_app.campaigns import service, texts
from campaigns_app.campaigns.drift import Drift, may_drift, measure_drift, remember_look
from campaigns_app.campaigns.funnel import read_funnel
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.why import explain_contacts
from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.types import utcnow
from campaigns_app.errors import Refused
from campaigns_app.extensions import db
from campaigns_app.htmx import is_htmx

blueprint = Blueprint("audience", __name__, url_prefix="/campaigns")

LONGEST_SEARCH = 200


@blueprint.before_request
@administrator_required
@feature_required(CAMPAIGNS_FEATURE)
def let_in() -> None:
    """Let administrators in, where the account has campaigns at all."""


@blueprint.context_processor
def words() -> dict[str, Any]:
    """How these templates say why somebody is in a campaign or not."""
    return {
        "answer_text": texts.answer_text,
        "reason_text": texts.reason_text,
        "state_text": texts.state_text,
        "kind_of_state": texts.kind_of_state,
    }


@blueprint.get("/<display_id:display_id>/audience")
def show(display_id: int) -> str:
    """The funnel, its drift, and the look-up of contacts."""
    campaign, channel = _find(display_id)
    template = "campaigns/_audience.html" if is_htmx() else "campaigns/audience.html"
    return render_template(
        template,
        campaign=campaign,
        funnel=read_funnel(db.session(), campaign, channel),
        may_drift=may_drift(campaign),
        drift=measure_drift(db.session(), campaign, channel, current_user.id),
        **_findings(campaign, channel),
    )


@blueprint.get("/<display_id:display_id>/audience/why")
def why(display_id: int) -> str | Response:
    """Why the contacts that are searched for are in the campaign or not."""
    campaign, channel = _find(display_id)
    if not is_htmx():
        return redirect(url_for("audience.show", display_id=display_id, q=_asked_search()), 303)
    return render_template("campaigns/_why.html", **_findings(campaign, channel))


@blueprint.post("/<display_id:display_id>/audience/look")
def look(display_id: int) -> str | Response:
    """Remember the audience as it is now as the one this person has seen."""
    campaign, channel = _find(display_id)
    now = utcnow()
    remember_look(db.session(), campaign, channel, current_user.id, now)
    if not is_htmx():
        return redirect(url_for("audience.show", display_id=display_id), 303)
    drift = Drift(now, 0, 0) if may_drift(campaign) else None
    return render_template("campaigns/_drift.html", campaign=campaign, drift=drift)


def _find(display_id: int) -> tuple[Campaign, Channel]:
    campaign = service.get_campaign(current_account().id, display_id)
    channels = get_channels()
    if campaign.inbox.inbox_type not in channels:
        raise Refused(_("CAMPAIGN.AUDIENCE.NO_CHANNEL", channel=campaign.inbox.inbox_type))
    return campaign, channels.get(campaign.inbox.inbox_type)


def _findings(campaign: Campaign, channel: Channel) -> dict[str, Any]:
    search = _asked_search()
    return {
        "search": search,
        "findings": explain_contacts(db.session(), campaign, channel, search),
    }


def _asked_search() -> str:
    return request.args.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
