"""Suppressed addresses: list, add, remove."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.schemas import read_page
from campaigns_app.api.shapes import unix_time
from campaigns_app.contacts.models import Suppression
from campaigns_app.contacts.suppressions import (
    create_suppression,
    delete_suppression,
    list_suppressions,
)
from campaigns_app.errors import FieldError, InvalidInput

suppressions = Blueprint("suppressions", __name__)


@suppressions.get("")
def index() -> Response:
    """A page of the account's suppressions, newest first, as a bare array; those whose address or
    note holds `q` only, if given. `X-Total-Count` says how many there are."""
    search = request.args.get("q", "")
    wanted = read_page({key: value for key, value in request.args.items() if key != "q"})
    found = list_suppressions(
        api_account().id, search=search, page=wanted.page, per_page=wanted.per_page
    )
    shown = found.suppressions if found.page == wanted.page else ()
    response = jsonify([_suppression_object(one) for one in shown])
    response.headers["X-Total-Count"] = str(found.total)
    return response


@suppressions.post("")
def create() -> Response:
    """Suppress an `address`, a phone number or an e-mail address, with a `note`."""
    body = read_json()
    address, note = _text(body, "address"), _text(body, "note")
    made = create_suppression(api_account(), address, note, actor=api_member().user)
    return jsonify(_suppression_object(made))


@suppressions.delete("/<int:suppression_id>")
def delete(suppression_id: int) -> Response:
    """Let the address be messaged again; the answer is empty."""
    delete_suppression(api_account(), suppression_id, actor=api_member().user)
    return Response(status=200)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput([FieldError(name, f"{name.capitalize()} must be text")])
    return value or ""


def _suppression_object(one: Suppression) -> dict[str, Any]:
    return {
        "id": one.id,
        "address": one.address,
        "source": one.source,
        "note": one.note,
        "created_at": unix_time(one.created_at),
    }
