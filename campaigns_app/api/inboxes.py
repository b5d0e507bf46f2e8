"""Inboxes: list, make, show, change, delete. What is secret goes in and never comes out."""

from typing import Any

from flask import Blueprint, Response, jsonify

from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.inbox_params import read_changes, read_draft
from campaigns_app.api.shapes import inbox_object, unix_time
from campaigns_app.inboxes import service
from campaigns_app.inboxes.checking import check_connection
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.provider_account import callback_url, provider_of
from campaigns_app.inboxes.readiness import faults_of
from campaigns_app.inboxes.secrets import show_secrets

inboxes = Blueprint("inboxes", __name__)

BY_ID = "/<int:inbox_id>"


@inboxes.get("")
def index() -> Response:
    """The account's inboxes by name."""
    return jsonify(payload=[_object(one) for one in service.list_inboxes(api_account().id)])


@inboxes.post("")
def create() -> Response:
    """Make an inbox: its `name`, and a `channel` of a `type` with its settings."""
    draft = read_draft(read_json())
    inbox = service.create_inbox(api_account().id, draft, actor=api_member().user)
    return jsonify(_object(inbox))


@inboxes.get(BY_ID)
def show(inbox_id: int) -> Response:
    """One inbox."""
    return jsonify(_object(service.get_inbox(api_account().id, inbox_id)))


@inboxes.route(BY_ID, methods=["PATCH", "PUT"])
def update(inbox_id: int) -> Response:
    """Change what is sent of an inbox; null takes a setting or a secret away."""
    account_id = api_account().id
    present = _draft_of(service.get_inbox(account_id, inbox_id))
    draft = read_changes(read_json(), present)
    inbox = service.update_inbox(account_id, inbox_id, draft, actor=api_member().user)
    return jsonify(_object(inbox))


@inboxes.post(f"{BY_ID}/check")
def check(inbox_id: int) -> Response:
    """Ask the inbox's provider, without sending anything, whether it accepts the account; 422
    where the inbox has no provider."""
    found = check_connection(service.get_inbox(api_account().id, inbox_id))
    return jsonify(works=found.works, refused=found.is_refused, message=found.text)


@inboxes.delete(BY_ID)
def delete(inbox_id: int) -> Response:
    """Delete an inbox that nothing belongs to; the answer is empty."""
    service.delete_inbox(api_account().id, inbox_id, actor=api_member().user)
    return Response(status=200)


def _draft_of(inbox: Inbox) -> InboxDraft:
    settings = {name: str(value) for name, value in inbox.channel.settings.items()}
    return InboxDraft(inbox.name, inbox.inbox_type, settings, inbox.rate)


def _object(inbox: Inbox) -> dict[str, Any]:
    """An inbox, with what concerns its provider; of secrets only which of them are set,
    where they can be read; else `faults` says that they cannot."""
    shown = inbox_object(inbox) | {"enabled": inbox.enabled}
    provider = provider_of(inbox)
    if provider is None:
        return shown
    return shown | {
        "rate": inbox.rate,
        "usual_rate": provider.usual_rate,
        "callback_webhook_url": callback_url(provider, inbox),
        "secrets_set": sorted(show_secrets(inbox.channel.secrets).hints),
        "faults": list(faults_of(inbox, provider)),
        "halted_at": unix_time(inbox.halted_at),
        "halt_reason": inbox.halt_reason,
    }
