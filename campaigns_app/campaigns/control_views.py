"""The buttons with which a person pauses, resumes, cancels a campaign."""

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import current_account
from campaigns_app.campaigns import control
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.pages import blueprint, done, find_campaign
from campaigns_app.campaigns.report import count_states
from campaigns_app.campaigns.undo import seconds_to_undo, soonest_start
from campaigns_app.database.types import utcnow
from campaigns_app.errors import Refused
from campaigns_app.htmx import is_htmx


@blueprint.post("/<display_id:display_id>/pause")
def pause(display_id: int) -> Response:
    """Hold a campaign, before its start or on the way; also what undoes a start."""
    campaign = control.pause_campaign(current_account(), display_id, actor=current_user)
    if campaign.started_at is None:
        return _changed(campaign, _("CAMPAIGN.PAUSE.BEFORE_START"))
    counts = count_states(campaign.id)
    return _changed(campaign, _("CAMPAIGN.PAUSE.ON_THE_WAY", done=counts.done, total=counts.total))


@blueprint.post("/<display_id:display_id>/resume")
def resume(display_id: int) -> Response:
    """Go on with a paused campaign; one that would start at once can be undone for a moment."""
    now = utcnow()
    campaign = control.resume_campaign(
        current_account(),
        display_id,
        actor=current_user,
        now=now,
        soonest=soonest_start(now),
    )
    if campaign.started_at is not None:
        return _changed(campaign, _("CAMPAIGN.RESUME.ON_THE_WAY"))
    if seconds_to_undo(campaign, now):
        return _changed(campaign, _("CAMPAIGN.RESUME.STARTS_NOW"))
    return _changed(campaign, _("CAMPAIGN.RESUME.AT_ITS_TIME"))


@blueprint.get("/<display_id:display_id>/cancel")
def confirm_cancel(display_id: int) -> str:
    """The question before a campaign is cancelled: who has been reached, who will not be."""
    campaign = find_campaign(display_id)
    if campaign.is_over:
        raise Refused(_("CAMPAIGN.CANCEL.OVER"))
    template = "campaigns/_cancel_dialog.html" if is_htmx() else "campaigns/cancel.html"
    return render_template(template, campaign=campaign, counts=count_states(campaign.id))


@blueprint.post("/<display_id:display_id>/cancel")
def cancel(display_id: int) -> Response:
    """Cancel a campaign for good."""
    campaign = control.cancel_campaign(
        current_account(), display_id, actor=current_user, now=utcnow()
    )
    if campaign.started_at is None:
        return _changed(campaign, _("CAMPAIGN.CANCEL.BEFORE_START"))
    sent = count_states(campaign.id).reached
    key = "CAMPAIGN.CANCEL.ON_THE_WAY"
    return _changed(campaign, ngettext(key, key, sent, sent=sent))


def _changed(campaign: Campaign, message: str) -> Response:
    url = url_for("campaigns.show", display_id=campaign.display_id)
    return done("campaign-updated", message, url=url)
