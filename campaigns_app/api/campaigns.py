"""Campaigns: list, make, show, change, delete."""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnprocessableEntity

from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.idempotency import read_submission
from campaigns_app.api.schemas import read_changes, read_draft, read_page
from campaigns_app.api.shapes import campaign_object, find_roles
from campaigns_app.campaigns import service
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import CampaignRow, Page, count_states, list_campaigns
from campaigns_app.database.types import utcnow
from campaigns_app.errors import FieldError, InvalidInput

campaigns = Blueprint("campaigns", __name__)

BY_ID = "/<display_id:display_id>"


@campaigns.get("")
def index() -> Response:
    """A page of the account's campaigns, newest first, as a bare array.

    `X-Total-Count` says how many there are in all, `Link` where the neighbouring pages are.
    """
    wanted = read_page(request.args)
    page = list_campaigns(api_account().id, page=wanted.page, per_page=wanted.per_page)
    roles = find_roles(api_account().id, [row.campaign for row in page.rows])
    response = jsonify([campaign_object(row.campaign, row.counts, roles) for row in page.rows])
    response.headers["X-Total-Count"] = str(page.total)
    response.headers["Link"] = _links(page, wanted.per_page)
    return response


@campaigns.post("")
def create() -> Response:
    """Make a campaign. With an `Idempotency-Key` used before: show the one made then."""
    params = _campaign_params()
    campaign = service.create_campaign(
        api_account(),
        read_draft(params),
        actor=api_member().user,
        now=utcnow(),
        submission=read_submission(params),
    )
    return shown(campaign)


@campaigns.get(BY_ID)
def show(display_id: int) -> Response:
    """One campaign."""
    return shown(service.get_campaign(api_account().id, display_id))


@campaigns.route(BY_ID, methods=["PATCH", "PUT"])
def update(display_id: int) -> Response:
    """Change what is sent of a campaign; PUT does the same."""
    changes = read_changes(_campaign_params())
    campaign = service.update_campaign(
        api_account(), display_id, changes, actor=api_member().user, now=utcnow()
    )
    return shown(campaign)


@campaigns.delete(BY_ID)
def delete(display_id: int) -> Response:
    """Delete a campaign; the answer is empty."""
    service.delete_campaign(api_account(), display_id, actor=api_member().user, now=utcnow())
    return Response(status=200)


def _campaign_params() -> dict[str, Any]:
    """The attributes that were sent: flat, or inside `campaign`."""
    body = read_json()
    params = body.get("campaign", body)
    if not params:
        raise UnprocessableEntity("param is missing or the value is empty: campaign")
    if not isinstance(params, dict):
        raise InvalidInput([FieldError("campaign", "Campaign must be an object")])
    return params


def shown(campaign: Campaign) -> Response:
    """A campaign as an answer."""
    roles = find_roles(campaign.account_id, [campaign])
    return jsonify(campaign_object(campaign, count_states(campaign.id), roles))


def _links(page: Page[CampaignRow], per_page: int) -> str:
    """The neighbouring pages (RFC 8288), at the address under which this one was asked for."""
    numbers = {"first": 1, "prev": page.page - 1, "next": page.page + 1, "last": page.pages}
    return ", ".join(
        f'<{request.base_url}?page={number}&per_page={per_page}>; rel="{relation}"'
        for relation, number in numbers.items()
        if 1 <= number <= page.pages
    )
