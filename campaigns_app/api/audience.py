"""The audience of a campaign: its funnel, what has changed in it, why a contact is in or out."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.schemas import read_draft
from campaigns_app.api.shapes import unix_time
from campaigns_app.campaigns import rules, service
from campaigns_app.campaigns.choices import find_inbox
from campaigns_app.campaigns.drift import Drift, measure_drift
from campaigns_app.campaigns.funnel import Funnel, count_funnel, read_funnel
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.texts import answer_text
from campaigns_app.campaigns.why import Verdict, explain_contacts
from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import Contact
from campaigns_app.errors import FieldError, InvalidInput, Refused
from campaigns_app.extensions import db

audience = Blueprint("audience", __name__)

OF_CAMPAIGN = "/<display_id:display_id>/audience"
LONGEST_SEARCH = 200


@audience.get(OF_CAMPAIGN)
def show(display_id: int) -> Response:
    """The funnel, and what has changed since the token's owner last looked at it on the page."""
    campaign, channel = _find(display_id)
    funnel = read_funnel(db.session(), campaign, channel)
    drift = measure_drift(db.session(), campaign, channel, api_member().user_id)
    return jsonify(_funnel_object(funnel) | {"drift": _drift_object(drift)})


@audience.get(f"{OF_CAMPAIGN}/why")
def why(display_id: int) -> Response:
    """Why the contacts that `q` finds are in the campaign or not."""
    campaign, channel = _find(display_id)
    search = request.args.get("q", "").strip()
    if not search or len(search) > LONGEST_SEARCH:
        message = f"Q must be 1 to {LONGEST_SEARCH} characters of a name, number, e-mail or id"
        raise InvalidInput([FieldError("q", message)])
    findings = explain_contacts(db.session(), campaign, channel, search)
    return jsonify(
        payload=[_verdict_object(verdict) for verdict in findings.verdicts],
        has_more=findings.has_more,
    )


@audience.post("/audience")
def preview() -> Response:
    """The funnel of a campaign that is not made yet, from its `inbox_id` and `audience`."""
    draft = read_draft(read_json())
    account_id = api_account().id
    labels = rules.existing_labels(db.session(), account_id, draft.audience)
    faults = [
        *rules.check_inbox(db.session(), get_channels(), account_id, draft.inbox_id),
        *rules.check_audience(labels),
    ]
    inbox = find_inbox(account_id, draft.inbox_id)
    if faults or inbox is None:
        raise InvalidInput(faults)
    matched = matched_contacts(Selection(account_id, tuple(entry["id"] for entry in labels)))
    channel = get_channels().get(inbox.inbox_type)
    return jsonify(_funnel_object(count_funnel(db.session(), matched, channel)))


def _find(display_id: int) -> tuple[Campaign, Channel]:
    campaign = service.get_campaign(api_account().id, display_id)
    channels = get_channels()
    if campaign.inbox.inbox_type not in channels:
        raise Refused("Inbox Unsupported Inbox type")
    return campaign, channels.get(campaign.inbox.inbox_type)


def _funnel_object(funnel: Funnel) -> dict[str, Any]:
    return {
        "matched": funnel.matched,
        "steps": [asdict(step) for step in funnel.steps],
        "will_send": funnel.will_send,
        "frozen": funnel.is_frozen,
    }


def _drift_object(drift: Drift | None) -> dict[str, Any] | None:
    if drift is None:
        return None
    return {"since": unix_time(drift.since), "more": drift.more, "fewer": drift.fewer}


def _verdict_object(verdict: Verdict) -> dict[str, Any]:
    twin = verdict.twin
    return {
        "contact_id": verdict.contact_id,
        "contact": _contact_object(verdict.contact) if verdict.contact else None,
        "included": verdict.is_in,
        "answer": verdict.answer.value,
        "reason": verdict.reason,
        "explanation": answer_text(verdict),
        "labels": list(verdict.labels),
        "suppressions": [
            {
                "address": one.address,
                "source": one.source,
                "note": one.note,
                "created_at": unix_time(one.created_at),
            }
            for one in verdict.suppressions
        ],
        "duplicate_of": {"id": twin.id, "name": twin.name} if twin else None,
        "recipient": _recipient_object(verdict),
    }


def _contact_object(contact: Contact) -> dict[str, Any]:
    return {
        "name": contact.name,
        "email": contact.email,
        "phone_number": contact.phone_number,
        "identifier": contact.identifier,
        "blocked": contact.blocked,
    }


def _recipient_object(verdict: Verdict) -> dict[str, Any] | None:
    if verdict.recorded is None:
        return None
    recipient = verdict.recorded.recipient
    return {
        "state": recipient.state,
        "reason": recipient.reason,
        "error": recipient.error,
        "attempts": recipient.attempts,
        "conversation_id": verdict.recorded.conversation_display_id,
        "sent_at": unix_time(recipient.sent_at),
        "delivered_at": unix_time(recipient.delivered_at),
        "read_at": unix_time(recipient.read_at),
    }
