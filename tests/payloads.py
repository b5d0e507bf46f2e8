"""What was told is held against what is published."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import jsonschema_rs
from flask import Flask
from sqlalchemy import select

from campaigns_app.api.description import REFERENCE, describe
from campaigns_app.extensions import db
from campaigns_app.webhooks.models import WebhookEvent
from campaigns_app.webhooks.schemas import PAYLOADS

MADE_UP = "{}"
"""The payload of events that a test writes into the outbox itself, thousands at a time."""


def assert_events_as_published(app: Flask) -> None:
    """Every event that is in the outbox is one that the OpenAPI document describes."""
    with db.engine.connect() as connection:
        told = select(WebhookEvent.type, WebhookEvent.payload)
        rows = connection.execute(told.where(WebhookEvent.payload != MADE_UP)).all()
    for event_type, payload in rows:
        assert_as_published(app, PAYLOADS[event_type].__name__, json.loads(payload))


def assert_batches_as_published(app: Flask, bodies: Iterable[bytes]) -> None:
    """Every batch among the bodies of requests is as the OpenAPI document describes it."""
    for body in bodies:
        if body.startswith(b'{"type":"batch"'):
            assert_as_published(app, "Batch", json.loads(body))


def assert_as_published(app: Flask, schema: str, value: Any) -> None:
    """`value` is valid under the schema of that name in the OpenAPI document."""
    error = next(_validator(app, schema).iter_errors(value), None)
    assert error is None, f"{schema}: {error}"


@cache
def _validator(app: Flask, schema: str) -> Any:
    components = describe(app)["components"]
    reference = {"$ref": REFERENCE.format(model=schema), "components": components}
    return jsonschema_rs.Draft202012Validator(reference)
