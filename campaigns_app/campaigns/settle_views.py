"""The question and the button with which a person says what became of an unknown recipient."""

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import current_account
from campaigns_app.campaigns.pages import blueprint, done, find_campaign
from campaigns_app.campaigns.settling import CHOICES, settle_unknown
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.errors import NotFound
from campaigns_app.htmx import is_htmx

PATH = "/<display_id:display_id>/recipients/<int:contact_id>/settle"


@blueprint.get(PATH)
def confirm_settle(display_id: int, contact_id: int) -> str:
    """The question before an unknown recipient is said to be sent to, or failed."""
    campaign = find_campaign(display_id)
    template = "campaigns/_settle_dialog.html" if is_htmx() else "campaigns/settle.html"
    return render_template(template, campaign=campaign, contact_id=contact_id, state=_asked_state())


@blueprint.post(PATH)
def settle(display_id: int, contact_id: int) -> Response:
    """Say what became of an unknown recipient."""
    settle_unknown(current_account(), display_id, contact_id, _asked_state(), actor=current_user)
    page = url_for("campaigns.show", display_id=display_id)
    return done("campaign-progressed", _("CAMPAIGN.SETTLE.DONE"), url=page)


def _asked_state() -> RecipientState:
    """The state that the address names. Raises `NotFound`."""
    for state in CHOICES:
        if request.args.get("state") == state:
            return state
    raise NotFound("no such state")
