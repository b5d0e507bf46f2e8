"""The pages on which a person tries a campaign: one that is there, or one in the form."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import make_response, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import current_account
from campaigns_app.campaigns import service
from campaigns_app.campaigns.drafts import draft_of
from campaigns_app.campaigns.forms import CampaignForm
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.pages import blueprint, find_campaign
from campaigns_app.campaigns.trial import Trial, send_trial
from campaigns_app.campaigns.trial_form import TrialForm
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput, Refused
from campaigns_app.extensions import db
from campaigns_app.htmx import is_htmx


@blueprint.get("/<display_id:display_id>/trial")
def ask_for_trial(display_id: int) -> str:
    """The form with which a campaign is tried."""
    campaign = _find(display_id)
    template = "campaigns/_trial_dialog.html" if is_htmx() else "campaigns/trial.html"
    return render_template(template, **_values(campaign, _form_for(campaign)))


@blueprint.post("/<display_id:display_id>/trial")
def try_campaign(display_id: int) -> Response:
    """Send the message of a campaign once, and say what came of it."""
    campaign = _find(display_id)
    form = _form_for(campaign)
    trial = _carry_out(form, lambda: campaign)
    template = "campaigns/_trial.html" if is_htmx() else "campaigns/trial.html"
    # It may have been a while, and been committed since.
    values = _values(_find(display_id), form, trial)
    return make_response(render_template(template, **values), 200 if trial else 422)


@blueprint.post("/trial", defaults={"display_id": None})
@blueprint.post("/<display_id:display_id>/trial-of-changes")
def try_form(display_id: int | None) -> Response:
    """Send what stands in a campaign's form once, without saving it."""
    form = TrialForm(current_user)
    trial = _carry_out(form, lambda: _unsaved(display_id))
    trial_url = url_for("campaigns.try_form", display_id=display_id)
    page = render_template(
        "campaigns/_trial_of_form.html", trial_form=form, trial=trial, trial_url=trial_url
    )
    return make_response(page, 200 if trial else 422)


def _find(display_id: int) -> Campaign:
    campaign = find_campaign(display_id)
    if campaign.is_over:
        raise Refused(_("CAMPAIGN.TRIAL.OVER"))
    return campaign


def _unsaved(display_id: int | None) -> Campaign:
    """The campaign that the form describes; whoever tries it need not have named it."""
    account, now = current_account(), utcnow()
    campaign = None if display_id is None else find_campaign(display_id)
    form = CampaignForm(account.id, now=now, campaign=campaign)
    draft = form.to_draft()
    if campaign is not None:
        draft = replace(draft_of(campaign), **form.to_changes())
    draft = replace(draft, title=draft.title or "-", scheduled_at=None)
    return service.unsaved_campaign(account, service.check_draft(account.id, draft, now))


def _form_for(campaign: Campaign) -> TrialForm:
    return TrialForm(current_user, get_channels().get(campaign.inbox.inbox_type))


def _carry_out(form: TrialForm, campaign: Callable[[], Campaign]) -> Trial | None:
    """What came of the trial; None where nothing was sent, and then the form says why."""
    if not form.validate():
        return None
    account = current_account()
    try:
        return send_trial(account, campaign(), form.to_wish(account.id), actor=current_user)
    except InvalidInput as invalid:
        form.add_errors(invalid)
    except Refused as refused:
        form.form_errors.append(str(refused))
    db.session.rollback()
    return None


def _values(campaign: Campaign, form: TrialForm, trial: Trial | None = None) -> dict[str, Any]:
    channel = get_channels().get(campaign.inbox.inbox_type)
    return {
        "campaign": campaign,
        "is_sent": isinstance(channel, ProviderChannel),
        "trial_form": form,
        "trial": trial,
    }
