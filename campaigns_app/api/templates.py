"""The templates of inboxes: list them, and have the list fetched from the provider."""

from typing import Any

from flask import Response, jsonify

from campaigns_app.api.auth import api_account
from campaigns_app.api.inboxes import BY_ID, inboxes
from campaigns_app.api.shapes import unix_time
from campaigns_app.channels.templates import Template
from campaigns_app.errors import NotFound
from campaigns_app.inboxes.models import Inbox, TemplateSync
from campaigns_app.inboxes.service import get_inbox
from campaigns_app.inboxes.template_list import list_templates, sends_templates, sync_of
from campaigns_app.inboxes.template_sync import sync_templates


@inboxes.get(f"{BY_ID}/templates")
def templates(inbox_id: int) -> Response:
    """The inbox's templates, as they were fetched last; 404 where none are sent from it."""
    inbox = _inbox(inbox_id)
    return _shown(inbox, sync_of(inbox))


@inboxes.post(f"{BY_ID}/sync_templates")
def sync(inbox_id: int) -> Response:
    """Fetch the inbox's templates from its provider now. Where that fails, `fault` says why, and
    the templates are those that were there before."""
    told = sync_templates(_inbox(inbox_id))
    return _shown(_inbox(inbox_id), told)


def _inbox(inbox_id: int) -> Inbox:
    inbox = get_inbox(api_account().id, inbox_id)
    if not sends_templates(inbox):
        raise NotFound(f"inbox {inbox_id} sends no templates")
    return inbox


def _shown(inbox: Inbox, sync: TemplateSync | None) -> Response:
    return jsonify(
        payload=[_object(one) for one in list_templates(inbox)],
        synced_at=unix_time(sync.synced_at) if sync else None,
        fault=sync.fault if sync else None,
    )


def _object(template: Template) -> dict[str, Any]:
    """Meta's keys, and what a campaign has to say to send it."""
    return {
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "components": template.components,
        "can_be_sent": template.is_offered,
        "parameters": [
            {
                "part": one.part,
                "name": one.name,
                "kind": one.kind,
                "example": one.example,
                "required": one.is_required,
            }
            for one in template.parameters
        ],
    }
