"""The API's description of itself."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from campaigns_app.api.bodies import BODIES
from campaigns_app.webhooks.events import EVENT_TYPES, WEBHOOK_TEST
from campaigns_app.webhooks.schemas import PAYLOADS
from tests.payloads import assert_as_published
from tests.webhooks.scenes import OPENED, OPENING

DOCUMENT = "/api/v1/openapi.json"


def test_it_is_a_valid_openapi_document_that_anybody_may_read(client: FlaskClient) -> None:
    answer = client.get(DOCUMENT)

    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(answer.json).iter_errors()) == []


def test_every_route_of_the_api_is_in_it(app: Flask, client: FlaskClient) -> None:
    described = (client.get(DOCUMENT).json or {})["paths"]

    served = {
        (re.sub(r"<\w+:(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and "account_id" not in rule.arguments
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, methods in described.items() for method in methods} == served


def test_it_names_no_view_that_is_gone(app: Flask) -> None:
    assert {f"api.{name}" for name in BODIES} <= set(app.view_functions)


def test_every_event_is_among_its_webhooks(client: FlaskClient) -> None:
    document = client.get(DOCUMENT).json or {}

    assert set(document["webhooks"]) == {*EVENT_TYPES, WEBHOOK_TEST, "batch"}
    for event_type in (*EVENT_TYPES, WEBHOOK_TEST):
        described = document["webhooks"][event_type]
        content = described["post"]["requestBody"]["content"]["application/json"]
        name = content["schema"]["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
        assert schema["properties"]["event"] == {"const": event_type, "type": "string"}
        assert schema["additionalProperties"] is False


def test_a_batch_may_hold_every_event_and_nothing_else(app: Flask, client: FlaskClient) -> None:
    schemas = (client.get(DOCUMENT).json or {})["components"]["schemas"]
    assert set(schemas["BatchEntry"]["properties"]["event"]["discriminator"]["mapping"]) == {
        *EVENT_TYPES,
        WEBHOOK_TEST,
    }

    entry = {"id": "msg_1", "event": {"event": "no_such_event"}}
    with pytest.raises(AssertionError, match="Batch"):
        assert_as_published(app, "Batch", {"type": "batch", "events": [entry]})


def test_what_differs_from_a_schema_is_noticed(app: Flask) -> None:
    payload = {"event": "conversation_created", "id": "1"}

    with pytest.raises(AssertionError, match="ConversationCreated"):
        assert_as_published(app, PAYLOADS["conversation_created"].__name__, payload)


def test_a_key_too_many_is_noticed(app: Flask) -> None:
    payload = json.loads(OPENING.payloads(OPENED)["message_created"])
    assert_as_published(app, "MessageCreated", payload)

    with pytest.raises(AssertionError, match="surprise"):
        assert_as_published(app, "MessageCreated", payload | {"surprise": 1})
