"""What scheduling a campaign would lead to: in its form while it is written, and on its page."""

from flask import render_template, request
from flask_babel import gettext as _

from campaigns_app.accounts.access import current_account
from campaigns_app.campaigns.choices import find_inbox
from campaigns_app.campaigns.drafts import draft_of
from campaigns_app.campaigns.fields import as_id
from campaigns_app.campaigns.forms import CampaignForm
from campaigns_app.campaigns.pages import blueprint, find_campaign
from campaigns_app.campaigns.preflight import look_ahead, look_at_inbox
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.types import utcnow
from campaigns_app.errors import Refused
from campaigns_app.htmx import is_htmx
from campaigns_app.inboxes.checking import connection_of

OF_CONNECTION = ("incomplete", "refused", "unanswered")
"""Findings that are said beside the inbox."""


@blueprint.post("/preflight")
def preflight() -> str:
    """What scheduling the campaign in the form would lead to, as far as it is filled in;
    `count_all` in the address has all its messages counted."""
    account = current_account()
    form = CampaignForm(account.id, now=utcnow())
    inbox = find_inbox(account.id, form.inbox_id.data)
    found = None
    if inbox is not None and inbox.inbox_type in get_channels() and form.audience.data:
        draft, counts_all = form.to_draft(), "count_all" in request.args
        found = look_ahead(account, inbox, draft, form.now, counts_all=counts_all)
    return render_template("campaigns/_preflight.html", found=found)


@blueprint.get("/inbox-check")
def check_inbox() -> str:
    """Whether the chosen inbox has all it needs, and its provider accepts it."""
    inbox = find_inbox(current_account().id, as_id(request.args.get("inbox_id")))
    findings = []
    if inbox is not None and inbox.inbox_type in get_channels():
        found = look_at_inbox(inbox, connection_of(inbox))
        findings = [one for one in found if one.name in OF_CONNECTION]
    return render_template("campaigns/_inbox_check.html", findings=findings)


@blueprint.get("/<display_id:display_id>/preflight")
def preflight_again(display_id: int) -> str:
    """What is found of a campaign that has not started, its inbox's provider asked; `count_all` in
    the address has all its messages counted."""
    campaign = find_campaign(display_id)
    if campaign.is_completed or campaign.is_over:
        raise Refused(_("CAMPAIGN.PREFLIGHT.TOO_LATE"))
    found = look_ahead(
        *(current_account(), campaign.inbox, draft_of(campaign), utcnow()),
        connection_of(campaign.inbox),
        counts_all="count_all" in request.args,
    )
    template = "campaigns/_preflight_card.html" if is_htmx() else "campaigns/preflight.html"
    return render_template(template, campaign=campaign, found=found)
