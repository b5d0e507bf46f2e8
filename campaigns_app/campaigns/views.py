"""The pages of campaigns: the list, the form, one campaign with its recipients.

Partials have addresses of their own and are fetched by htmx; without it every page is whole.
"""

from typing import Any

from flask import make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import current_account
from campaigns_app.campaigns import service
from campaigns_app.campaigns.bar import bar_of
from campaigns_app.campaigns.follow_up import list_follow_ups
from campaigns_app.campaigns.freshness import seconds_until_news
from campaigns_app.campaigns.listing import Listing, read_listing
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.pages import (
    asked_channel,
    blueprint,
    done,
    find_campaign,
    go_to,
    stands_at,
)
from campaigns_app.campaigns.report import (
    count_states,
    describe_campaigns,
    held_until,
    list_recipients,
)
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.campaigns.template_findings import faults_of_template
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.types import utcnow
from campaigns_app.htmx import is_htmx, tell
from campaigns_app.job_queue import seems_reachable

LONGEST_SEARCH = 200
LAST_PAGE = 1_000_000


@blueprint.get("/")
def index() -> str:
    """The page of the list. The list itself comes after it, and is in it for who has no script."""
    return render_template(
        "campaigns/index.html", listing=_read_listing(), channels=list(get_channels())
    )


@blueprint.get("/queue-notice")
def queue_notice() -> str:
    """Whether sending waits for the queue; a page that says so asks until it does not."""
    return render_template("campaigns/_queue_notice.html")


@blueprint.get("/table")
def table() -> Response:
    """The list."""
    listing = _read_listing()
    page = render_template("campaigns/_table.html", listing=listing)
    response = stands_at(url_for("campaigns.index", **listing.place), page)
    return response if seems_reachable() else tell(response, "queue-missed")


@blueprint.get("/<display_id:display_id>/delete")
def confirm_delete(display_id: int) -> str:
    """The question before a campaign is deleted."""
    campaign = find_campaign(display_id)
    template = "campaigns/_delete_dialog.html" if is_htmx() else "campaigns/delete.html"
    return render_template(template, campaign=campaign, leave=request.args.get("leave"))


@blueprint.post("/<display_id:display_id>/delete")
def delete(display_id: int) -> Response:
    """Delete a campaign; `leave` in the address says that its own page was being looked at."""
    service.delete_campaign(current_account(), display_id, actor=current_user, now=utcnow())
    message = _("CAMPAIGN.CONFIRM_DELETE.API.SUCCESS_MESSAGE")
    if request.args.get("leave"):
        return go_to(url_for("campaigns.index"), message)
    return done("campaign-deleted", message)


@blueprint.get("/<display_id:display_id>")
def show(display_id: int) -> str:
    """The page of one campaign."""
    campaign = find_campaign(display_id)
    return render_template(
        "campaigns/show.html", **_overview_of(campaign), **_recipients_of(campaign)
    )


@blueprint.get("/<display_id:display_id>/overview")
def overview(display_id: int) -> Response:
    """What is happening with a campaign. `done` in the address is what the page shows already:
    when there is more, the list of recipients is told."""
    values = _overview_of(find_campaign(display_id))
    response = make_response(render_template("campaigns/_overview.html", **values))
    has_progressed = request.args.get("done", type=int) != values["row"].counts.done
    news = {"campaign-progressed": has_progressed, "queue-missed": not seems_reachable()}
    return tell(response, *(event for event, is_so in news.items() if is_so))


@blueprint.get("/<display_id:display_id>/recipients")
def recipients(display_id: int) -> Response:
    """A page of a campaign's recipients."""
    campaign = find_campaign(display_id)
    values = _recipients_of(campaign)
    page = render_template("campaigns/_recipients.html", campaign=campaign, **values)
    number = values["found"].page
    place = {"state": values["state"], "page": number if number > 1 else None}
    return stands_at(url_for("campaigns.show", display_id=display_id, **place), page)


def _read_listing() -> Listing:
    # No text that is kept holds a NUL, and PostgreSQL does not even take one to compare with.
    search = request.args.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    return read_listing(current_account().id, asked_channel(), search, _asked_page(), utcnow())


def _overview_of(campaign: Campaign) -> dict[str, Any]:
    (row,) = describe_campaigns([campaign])
    return {
        "campaign": campaign,
        "row": row,
        "bar": bar_of(row.counts),
        "follow_ups": list_follow_ups(campaign),
        "held_until": held_until(campaign),
        "template_faults": faults_of_template(campaign),
        "refresh_seconds": seconds_until_news([campaign], utcnow()),
    }


def _recipients_of(campaign: Campaign) -> dict[str, Any]:
    asked = request.args.get("state")
    state = asked if asked in set(RecipientState) else None
    found = list_recipients(campaign, state=state, page=_asked_page())
    if found.page > found.pages:
        found = list_recipients(campaign, state=state, page=found.pages)
    return {"found": found, "state": state, "counts": count_states(campaign.id)}


def _asked_page() -> int:
    return min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)
