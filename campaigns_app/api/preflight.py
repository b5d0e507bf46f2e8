"""What scheduling a campaign would lead to, before it is made."""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from campaigns_app.api.auth import api_account
from campaigns_app.api.body import read_json
from campaigns_app.api.campaigns import BY_ID, campaigns
from campaigns_app.api.schemas import read_draft
from campaigns_app.campaigns.choices import find_inbox
from campaigns_app.campaigns.drafts import draft_of
from campaigns_app.campaigns.findings import Finding
from campaigns_app.campaigns.lengths import Length, describe_character
from campaigns_app.campaigns.preflight import Preflight, look_ahead
from campaigns_app.campaigns.service import check_draft, get_campaign
from campaigns_app.campaigns.texts import finding_text
from campaigns_app.database.types import utcnow
from campaigns_app.errors import FieldError, InvalidInput, NotFound
from campaigns_app.inboxes.checking import connection_of


@campaigns.post("/preflight")
def preflight() -> Response:
    """What is found of a campaign that is not made yet, from its attributes; with `"check": true`
    its inbox's provider is asked, too, and with `"count_all": true` every message is counted. What
    could not be saved is refused as it would be then."""
    params = read_json()
    account = api_account()
    now = utcnow()
    draft = check_draft(account.id, read_draft(params), now)
    inbox = find_inbox(account.id, draft.inbox_id)
    if inbox is None:
        raise NotFound("no such inbox any more")
    counts_all = _flag(params, "count_all")
    connection = connection_of(inbox) if _flag(params, "check") else None
    return _answer(look_ahead(account, inbox, draft, now, connection, counts_all=counts_all))


@campaigns.get(f"{BY_ID}/preflight")
def preflight_again(display_id: int) -> Response:
    """What is found of a campaign that was made before, such as a template that its provider has
    taken back since; with `check=true` in the address its inbox's provider is asked, too, with
    `count_all=true` every message is counted."""
    account = api_account()
    campaign = get_campaign(account.id, display_id)
    connection = connection_of(campaign.inbox) if request.args.get("check") == "true" else None
    found = look_ahead(
        *(account, campaign.inbox, draft_of(campaign), utcnow(), connection),
        counts_all=request.args.get("count_all") == "true",
    )
    return _answer(found)


def _flag(params: Mapping[str, Any], name: str) -> bool:
    value = params.get(name, False)
    if not isinstance(value, bool):
        raise InvalidInput([FieldError(name, f"{name.capitalize()} must be true or false")])
    return value


def _answer(found: Preflight) -> Response:
    length = found.length
    return jsonify(
        findings=[_finding_object(one) for one in found.findings],
        will_send=found.will_send,
        looked_at=found.looked_at,
        estimated_seconds=found.seconds,
        units=None if length is None else _units_object(length),
    )


def _units_object(length: Length) -> dict[str, Any]:
    contact_id, name = length.longest_for
    points = ((one, *describe_character(one)) for one in length.forced_by)
    return {
        "unit": length.unit,
        "longest": length.longest,
        "longest_for": {"id": contact_id, "name": name},
        "total": length.total,
        "estimated": length.is_estimated,
        "encoding": length.encoding,
        "unicode": length.unicode_count,
        "forced_by": [
            {"character": character, "code_point": point, "name": called}
            for character, point, called in points
        ],
    }


def _finding_object(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "severity": finding.severity.value,
        "field": finding.field,
        "message": finding_text(finding),
        "count": finding.count,
        "looked_at": finding.looked_at,
        "contacts": [{"id": number, "name": name} for number, name in finding.contacts],
    }
