"""Webhook endpoints: list, make, show, change, delete, replace the secret.

Chatwoot's paths and shapes; showing one and what it calls `rotate_secret` are ours. The endpoints
that API inboxes have of their own are among these, but change and go with their inboxes.
"""

from typing import Any

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import UnprocessableEntity

from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.shapes import unix_time
from campaigns_app.api.webhook_params import read_changes, read_draft, read_rotation
from campaigns_app.database.types import utcnow
from campaigns_app.errors import FieldError, InvalidInput
from campaigns_app.webhooks import service
from campaigns_app.webhooks.custom_headers import masked
from campaigns_app.webhooks.drafts import draft_of
from campaigns_app.webhooks.models import WebhookEndpoint

webhooks = Blueprint("webhooks", __name__)

BY_ID = "/<int:endpoint_id>"


@webhooks.get("")
def index() -> Response:
    """All of the account's endpoints, oldest first; those with an `inbox_id` are inboxes' own."""
    found = service.list_endpoints(api_account().id)
    return jsonify({"payload": {"webhooks": [webhook_object(one.endpoint) for one in found]}})


@webhooks.post("")
def create() -> Response:
    """Make an endpoint. Its `secret` is in this answer, and in no other."""
    draft = read_draft(_webhook_params())
    endpoint = service.create_endpoint(api_account().id, draft, actor=api_member().user)
    return _shown(endpoint, secret=endpoint.secret)


@webhooks.get(BY_ID)
def show(endpoint_id: int) -> Response:
    """One endpoint."""
    return _shown(service.get_endpoint(api_account().id, endpoint_id))


@webhooks.route(BY_ID, methods=["PATCH", "PUT"])
def update(endpoint_id: int) -> Response:
    """Change what is sent of an endpoint; PUT does the same. Of an inbox's own, `enabled` only."""
    account_id, actor = api_account().id, api_member().user
    endpoint, params = service.get_endpoint(account_id, endpoint_id), _webhook_params()
    draft = read_changes(params, draft_of(endpoint))
    if endpoint.inbox_id is None or set(params) != {"enabled"}:
        return _shown(service.update_endpoint(account_id, endpoint_id, draft, actor=actor))
    switch = service.enable_endpoint if draft.enabled else service.disable_endpoint
    switch(account_id, endpoint_id, actor=actor)
    return _shown(endpoint)


@webhooks.delete(BY_ID)
def delete(endpoint_id: int) -> Response:
    """Delete an endpoint; the answer is empty."""
    service.delete_endpoint(api_account().id, endpoint_id, actor=api_member().user)
    return Response(status=200)


@webhooks.post(f"{BY_ID}/rotate_secret")
def rotate_secret(endpoint_id: int) -> Response:
    """Replace the secret. The new one is in this answer, and in no other."""
    wanted = read_rotation(read_json())
    endpoint = service.rotate_secret(
        api_account().id,
        endpoint_id,
        now=utcnow(),
        keep_old=wanted.keep_old,
        actor=api_member().user,
    )
    return _shown(endpoint, secret=endpoint.secret)


def webhook_object(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint as the API shows it: without its secret, and without its headers' values."""
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "url": endpoint.url,
        "account_id": endpoint.account_id,
        "inbox_id": endpoint.inbox_id,
        "subscriptions": endpoint.subscriptions,
        "headers": masked(endpoint.headers),
        "enabled": endpoint.enabled,
        "batch_size": endpoint.batch_size,
        "disabled_reason": endpoint.disabled_reason,
        "previous_secret_expires_at": unix_time(endpoint.previous_secret_expires_at),
        "last_success_at": unix_time(endpoint.last_success_at),
        "first_failure_at": unix_time(endpoint.first_failure_at),
        "created_at": unix_time(endpoint.created_at),
        "updated_at": unix_time(endpoint.updated_at),
    }


def _webhook_params() -> dict[str, Any]:
    """The attributes that were sent: flat, or inside `webhook`."""
    body = read_json()
    params = body.get("webhook", body)
    if not params:
        raise UnprocessableEntity("param is missing or the value is empty: webhook")
    if not isinstance(params, dict):
        raise InvalidInput([FieldError("webhook", "Webhook must be an object")])
    return params


def _shown(endpoint: WebhookEndpoint, **secret: str) -> Response:
    return jsonify({"payload": {"webhook": webhook_object(endpoint) | secret}})
