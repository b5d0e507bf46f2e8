"""Inboxes: list, make, show, change, delete. What is secret goes in and never comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify

from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.shapes import inbox_object, unix_time
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import FieldError, InvalidInput
from campaigns_app.inboxes import service
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.provider_account import callback_url, provider_of
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
    said = _read()
    wanted = said.channel.pop("type", "")
    names = {name: one.name for one in get_channels() for name in (one.name, one.slug)}
    inbox_type = names.get(wanted, "")
    draft = InboxDraft(said.name or "", inbox_type, _texts(said.channel), said.rate)
    return jsonify(_object(service.create_inbox(api_account().id, draft, actor=api_member().user)))


@inboxes.get(BY_ID)
def show(inbox_id: int) -> Response:
    """One inbox."""
    return jsonify(_object(service.get_inbox(api_account().id, inbox_id)))


@inboxes.route(BY_ID, methods=["PATCH", "PUT"])
def update(inbox_id: int) -> Response:
    """Change what is sent of an inbox; null takes a setting or a secret away."""
    account_id, said = api_account().id, _read()
    inbox = service.get_inbox(account_id, inbox_id)
    said.channel.pop("type", None)
    settings = {name: str(value) for name, value in inbox.channel.settings.items()}
    draft = InboxDraft(
        name=inbox.name if said.name is None else said.name,
        inbox_type=inbox.inbox_type,
        settings=settings | _texts(said.channel),
        rate=said.rate if said.names_rate else inbox.rate,
    )
    return jsonify(
        _object(service.update_inbox(account_id, inbox_id, draft, actor=api_member().user))
    )


@inboxes.delete(BY_ID)
def delete(inbox_id: int) -> Response:
    """Delete an inbox that nothing belongs to; the answer is empty."""
    service.delete_inbox(api_account().id, inbox_id, actor=api_member().user)
    return Response(status=200)


@dataclass(frozen=True, slots=True)
class _Said:
    """What was sent of an inbox; None: nothing of that."""

    name: str | None
    channel: dict[str, Any]
    rate: float | None
    names_rate: bool


def _read() -> _Said:
    body = read_json()
    name, channel, rate = body.get("name"), body.get("channel"), body.get("rate")
    faults = []
    if not isinstance(name, str | None):
        faults.append(FieldError("name", "Name must be text"))
    if not isinstance(channel, dict | None):
        faults.append(FieldError("channel", "Channel must be an object"))
    else:
        faults += _channel_faults(channel or {})
    if isinstance(rate, bool) or not isinstance(rate, int | float | None):
        faults.append(FieldError("rate", "Rate must be a number"))
    if faults:
        raise InvalidInput(faults)
    return _Said(name, dict(channel or {}), rate, "rate" in body)


def _channel_faults(channel: Mapping[str, Any]) -> list[FieldError]:
    return [
        FieldError(name, f"{name.replace('_', ' ').capitalize()} must be text or a number")
        for name, value in channel.items()
        if isinstance(value, bool) or not isinstance(value, str | int | float | None)
    ]


def _texts(channel: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in channel.items()}


def _object(inbox: Inbox) -> dict[str, Any]:
    """An inbox, with what concerns its provider; of secrets only which of them are set."""
    shown = inbox_object(inbox) | {"enabled": inbox.enabled}
    provider = provider_of(inbox)
    if provider is None:
        return shown
    return shown | {
        "rate": inbox.rate,
        "usual_rate": provider.usual_rate,
        "callback_webhook_url": callback_url(provider, inbox),
        "secrets_set": sorted(show_secrets(inbox.channel.secrets).hints),
        "halted_at": unix_time(inbox.halted_at),
        "halt_reason": inbox.halt_reason,
    }
