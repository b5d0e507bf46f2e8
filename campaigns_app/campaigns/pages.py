"""What the pages of campaigns have in common: who is let in, the words of their templates, and how
an answer is given with htmx and without."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from campaigns_app.accounts.access import administrator_required, current_account, feature_required
from campaigns_app.accounts.models import CAMPAIGNS_FEATURE
from campaigns_app.campaigns import service, texts
from campaigns_app.campaigns.lengths import describe_character
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.campaigns.undo import seconds_to_undo
from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.types import utcnow
from campaigns_app.errors import NotFound
from campaigns_app.htmx import current_page, hx_redirect, is_background, is_htmx, push_url, tell
from campaigns_app.job_queue import seems_reachable

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")


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
        "finding_text": texts.finding_text,
        "time_text": texts.time_text,
        "describe_character": describe_character,
        "follows_text": texts.follows_text,
        "status_of": texts.status_of,
        "kind_of_state": texts.kind_of_state,
        "states": tuple(RecipientState),
        "queue_answers": seems_reachable,
        "seconds_to_undo": lambda campaign: seconds_to_undo(campaign, utcnow()),
    }


def find_campaign(display_id: int) -> Campaign:
    """The account's campaign with that number. Raises `NotFound`."""
    return service.get_campaign(current_account().id, display_id)


def asked_channel() -> Channel | None:
    """The channel that the address names, if it names one. Raises `NotFound`."""
    slug = request.args.get("channel", "")
    channel = next((one for one in get_channels() if one.slug == slug), None)
    if slug and channel is None:
        raise NotFound(f"no channel {slug}")
    return channel


def done(event: str, message: str, *, kind: str = "success", url: str | None = None) -> Response:
    """Say what was done, as a toast of that `kind`. Without htmx the list is shown, or `url`."""
    if is_htmx():
        return tell(make_response("", 204), event, toast=message, kind=kind)
    flash(message, kind)
    return redirect(url or url_for("campaigns.index"), 303)


def go_to(url: str, message: str, *, kind: str = "success") -> Response:
    """Say what was done, on the page at `url`."""
    flash(message, kind)
    return hx_redirect(url) if is_htmx() else redirect(url, 303)


def stands_at(address: str, part: str) -> FlaskResponse:
    """A part of the page, which from now on stands at `address`."""
    response = make_response(part)
    if not is_background() and current_page() not in ("", address):
        push_url(response, address)
    return response
