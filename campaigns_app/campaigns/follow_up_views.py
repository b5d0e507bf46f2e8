"""Running a campaign again: for whom, and the form of the follow-up."""

from typing import Any

from flask import make_response, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import current_account
from campaigns_app.campaigns.follow_up import (
    check_can_run_again,
    count_candidates,
    draft_follow_up,
    run_again,
)
from campaigns_app.campaigns.follow_up_form import FollowUpForm
from campaigns_app.campaigns.form_views import save_form, values_of_form
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.pages import blueprint, find_campaign, go_to
from campaigns_app.campaigns.states import Follows
from campaigns_app.campaigns.texts import follows_text
from campaigns_app.database.types import utcnow
from campaigns_app.errors import AlreadyMade, NotFound, Refused
from campaigns_app.htmx import is_htmx


@blueprint.get("/<display_id:display_id>/run-again")
def choose_follow_up(display_id: int) -> str:
    """For whom a campaign that is over can be run again, and how many they are."""
    campaign = find_campaign(display_id)
    if not campaign.is_over:
        raise Refused(_("CAMPAIGN.RUN_AGAIN.NOT_OVER"))
    template = "campaigns/_run_again_dialog.html" if is_htmx() else "campaigns/run_again.html"
    return render_template(template, campaign=campaign, candidates=count_candidates(campaign))


@blueprint.get("/<display_id:display_id>/run-again/<follows>")
def new_follow_up(display_id: int, follows: str) -> str:
    """The form of a follow-up, with the first campaign's values."""
    campaign, kind = find_campaign(display_id), _read_kind(follows)
    check_can_run_again(campaign, kind)
    template = "campaigns/_follow_up_dialog.html" if is_htmx() else "campaigns/follow_up.html"
    return render_template(template, **_values(_make_form(campaign, kind), campaign, kind))


@blueprint.post("/<display_id:display_id>/run-again/<follows>")
def create_follow_up(display_id: int, follows: str) -> Response:
    """Make a follow-up and show it, or show the form again with what is wrong."""
    campaign, kind = find_campaign(display_id), _read_kind(follows)
    form = _make_form(campaign, kind)
    try:
        made = save_form(form, lambda: _create(form, display_id, kind))
    except AlreadyMade as error:
        return _go_to(error.display_id, _("CAMPAIGN.RUN_AGAIN.ALREADY"), kind="info")
    if made is None:
        template = "campaigns/_form.html" if is_htmx() else "campaigns/follow_up.html"
        return make_response(render_template(template, **_values(form, campaign, kind)), 422)
    return _go_to(made.display_id, _("CAMPAIGN.RUN_AGAIN.SUCCESS_MESSAGE"))


def _read_kind(text: str) -> Follows:
    if text not in set(Follows):
        raise NotFound(f"no way to run a campaign again for {text}")
    return Follows(text)


def _make_form(campaign: Campaign, follows: Follows) -> FollowUpForm:
    draft = draft_follow_up(campaign, follows)
    return FollowUpForm(current_account().id, now=utcnow(), draft=draft)


def _create(form: FollowUpForm, display_id: int, follows: Follows) -> Campaign:
    return run_again(
        current_account(),
        display_id,
        follows,
        form.to_changes(),
        actor=current_user,
        now=form.now,
        submission=form.to_submission(),
    )


def _values(form: FollowUpForm, campaign: Campaign, follows: Follows) -> dict[str, Any]:
    action = url_for(
        "campaigns.create_follow_up", display_id=campaign.display_id, follows=follows.value
    )
    title = _("CAMPAIGN.RUN_AGAIN.TITLE_FOR", follows=follows_text(follows))
    return values_of_form(form) | {
        "title": title,
        "action": action,
        "campaign": campaign,
        "follows": follows,
        "count": count_candidates(campaign).get(follows, 0),
    }


def _go_to(display_id: int, message: str, *, kind: str = "success") -> Response:
    return go_to(url_for("campaigns.show", display_id=display_id), message, kind=kind)
