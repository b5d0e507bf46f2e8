"""The API's description of itself: OpenAPI 3.1, at /api/v1/openapi.json.

Paths come from the routes and texts from the views' docstrings, so no route is left out; bodies
come from the models that read them or that the tests hold answers against. Events are under
`webhooks`.
"""

import re
from collections.abc import Iterator
from importlib.metadata import version
from inspect import getdoc
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from werkzeug.routing import Rule

from campaigns_app.api import problem_answers
from campaigns_app.api.bodies import BODIES, Bodies
from campaigns_app.webhooks.schemas import PAYLOADS, Batch

blueprint = Blueprint("api_description", __name__)

EXTENSION = "api_description"
PREFIX = "/api/v1"
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
REFERENCE = "#/components/schemas/{model}"

ERRORS: dict[int, type[BaseModel]] = {
    400: problem_answers.Problem,
    401: problem_answers.Unauthorized,
    403: problem_answers.Problem,
    404: problem_answers.Problem,
    409: problem_answers.Conflict,
    413: problem_answers.Problem,
    415: problem_answers.Problem,
    422: problem_answers.Unprocessable,
    429: problem_answers.Problem,
}
"""What is answered to a request that is refused, by its status."""

TOLD: dict[str, type[BaseModel]] = {**PAYLOADS, "batch": Batch}
"""What is sent to webhooks, each alone in its request."""

SIGNATURES = {
    "webhook-id": "An event's is the same on every attempt: drop what you have seen.",
    "webhook-timestamp": "When this attempt was signed, in Unix seconds.",
    "webhook-signature": "Standard Webhooks: `v1,` and base64, by a blank where there are two.",
    "X-Chatwoot-Delivery": "The same as `webhook-id`.",
    "X-Chatwoot-Timestamp": "The same as `webhook-timestamp`.",
    "X-Chatwoot-Signature": "Chatwoot's: `sha256=` and hex.",
}
"""The headers that come with every request."""


class _Plain(GenerateJsonSchema):
    """Schemas without a title for every field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@blueprint.get(f"{PREFIX}/openapi.json")
def openapi() -> Response:
    """The document, the same for everybody."""
    app: Flask = current_app
    if EXTENSION not in app.extensions:
        app.extensions[EXTENSION] = describe(app)
    return jsonify(app.extensions[EXTENSION])


def describe(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of the API as `app` serves it."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("api.") and "account_id" not in rule.arguments:
            operations = paths.setdefault(_path(rule), {})
            operations |= dict(_operations(app, rule))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Campaigns",
            "version": version("campaigns"),
            "description": "Every path is also served under `/api/v1/accounts/{account_id}/…`.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"bearer": []}],
        "paths": paths,
        "webhooks": {name: {"post": _event(name, model)} for name, model in TOLD.items()},
        "components": {
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "api_access_token"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": _schemas(),
        },
    }


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _operations(app: Flask, rule: Rule) -> Iterator[tuple[str, dict[str, Any]]]:
    name = rule.endpoint.removeprefix("api.")
    bodies = BODIES.get(name, Bodies())
    summary, _, text = (getdoc(app.view_functions[rule.endpoint]) or "").partition("\n\n")
    for method in METHODS:
        if method not in (rule.methods or ()):
            continue
        operation = {
            "operationId": f"{method.lower()}_{name.replace('.', '_')}",
            "tags": [name.partition(".")[0]],
            "summary": " ".join(summary.split()),
            "description": " ".join(text.split()),
            "parameters": _parameters(rule, bodies),
            "responses": _responses(bodies),
        }
        if bodies.body is not None:
            operation["requestBody"] = _request_body(bodies.body, bodies.wrapper)
        yield method.lower(), operation


def _parameters(rule: Rule, bodies: Bodies) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1}
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": number}
        for name in sorted(rule.arguments)
    ]
    query = bodies.query.model_json_schema(schema_generator=_Plain) if bodies.query else {}
    in_query = [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in query.get("properties", {}).items()
    ]
    in_headers = [
        {"name": name, "in": "header", "schema": {"type": "string"}} for name in bodies.headers
    ]
    return [*in_path, *in_query, *in_headers]


def _responses(bodies: Bodies) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if bodies.answer is not None:
        done |= _content(_reference(bodies.answer))
    refused = {
        str(status): {"description": getdoc(model), **_content(_reference(model))}
        for status, model in ERRORS.items()
    }
    return {"200": done, **refused}


def _request_body(model: type[BaseModel], wrapper: str | None) -> dict[str, Any]:
    schema: dict[str, Any] = _reference(model)
    if wrapper is not None:
        wrapped = {"type": "object", "properties": {wrapper: schema}, "required": [wrapper]}
        schema = {"anyOf": [schema, wrapped]}
    return _content(schema)


def _event(name: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": " ".join((getdoc(model) or "").split()),
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": meaning,
                "schema": {"type": "string"},
            }
            for name, meaning in SIGNATURES.items()
        ],
        "requestBody": {"required": True, **_content(_reference(model))},
        "responses": {
            "2XX": {"description": "Taken; it is not sent again."},
            "410": {"description": "The endpoint is disabled."},
            "default": {"description": "Not taken; it is sent again later."},
        },
    }


def _schemas() -> dict[str, Any]:
    models = {
        *TOLD.values(),
        *ERRORS.values(),
        *(bodies.answer for bodies in BODIES.values() if bodies.answer),
        *(bodies.body for bodies in BODIES.values() if bodies.body),
    }
    _, together = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template=REFERENCE,
        schema_generator=_Plain,
    )
    schemas: dict[str, Any] = together["$defs"]
    return schemas


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
