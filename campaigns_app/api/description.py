"""The API's description of itself: OpenAPI 3.1, at /api/v1/openapi.json.

Paths come from the routes and texts from the views' docstrings, so no route is left out; bodies
come from the models that read them or that the tests hold answers against. Events are under
`webhooks`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from inspect import getdoc
from typing import Annotated, Any, Literal

from flask import Blueprint, Flask, Response, current_app, jsonify
from pydantic import BaseModel, Field
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from werkzeug.routing import Rule

from campaigns_app.api import answers, delivery_answers, problem_answers, template_answers
from campaigns_app.api.audience import LONGEST_SEARCH
from campaigns_app.api.delivery_params import LogParams, ReplayParams
from campaigns_app.api.inbox_params import InboxParams
from campaigns_app.api.schemas import CampaignParams, PageParams
from campaigns_app.api.trial import TrialAnswer, TrialParams, UnsavedTrialParams
from campaigns_app.api.webhook_params import RotationParams, WebhookParams
from campaigns_app.campaigns.states import Follows
from campaigns_app.webhooks.schemas import PAYLOADS

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

SIGNATURES = {
    "webhook-id": "The same on every attempt: drop what you have seen.",
    "webhook-timestamp": "When this attempt was signed, in Unix seconds.",
    "webhook-signature": "Standard Webhooks: `v1,` and base64, by a blank where there are two.",
    "X-Chatwoot-Delivery": "The same as `webhook-id`.",
    "X-Chatwoot-Timestamp": "The same as `webhook-timestamp`.",
    "X-Chatwoot-Signature": "Chatwoot's: `sha256=` and hex.",
}
"""The headers that come with every event."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """What goes into an operation and what comes out; `wrapper` is the key in which the body may
    be wrapped, as Rails does."""

    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    wrapper: str | None = None
    query: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()


class FollowUpParams(CampaignParams):
    """For whom a campaign is run again, and what of it is different."""

    whom: Annotated[Follows, Field(alias="for")]


class SettlingParams(BaseModel):
    """What became of the message to an unknown recipient."""

    state: Literal["sent", "failed"]


class SuppressionParams(BaseModel):
    """An address that is not to be messaged, a phone number or an e-mail address."""

    address: str
    note: str = ""


class SuppressionListParams(PageParams):
    """Which page, of those whose address or note holds `q`."""

    q: str = ""


class PreflightParams(CampaignParams):
    """A campaign that is not made yet, and whether its inbox's provider is to be asked."""

    check: bool = False


class SearchParams(BaseModel):
    """What to look for: characters of a name, number, e-mail or id."""

    q: Annotated[str, Field(min_length=1, max_length=LONGEST_SEARCH)]


BODIES = {
    "campaigns.index": Bodies(answers.CampaignList, query=PageParams),
    "campaigns.create": Bodies(
        answers.CampaignObject, CampaignParams, "campaign", headers=("Idempotency-Key",)
    ),
    "campaigns.show": Bodies(answers.CampaignObject),
    "campaigns.update": Bodies(answers.CampaignObject, CampaignParams, "campaign"),
    "campaigns.pause": Bodies(answers.CampaignObject),
    "campaigns.resume": Bodies(answers.CampaignObject),
    "campaigns.cancel": Bodies(answers.CampaignObject),
    "campaigns.settle": Bodies(answers.CampaignObject, SettlingParams),
    "campaigns.follow_up": Bodies(
        answers.CampaignObject, FollowUpParams, headers=("Idempotency-Key",)
    ),
    "audience.show": Bodies(answers.AudienceAnswer),
    "audience.why": Bodies(answers.VerdictsAnswer, query=SearchParams),
    "audience.preview": Bodies(answers.FunnelObject, CampaignParams),
    "suppressions.index": Bodies(answers.SuppressionList, query=SuppressionListParams),
    "suppressions.create": Bodies(answers.SuppressionObject, SuppressionParams),
    "campaigns.preflight": Bodies(answers.PreflightAnswer, PreflightParams),
    "campaigns.preflight_again": Bodies(answers.PreflightAnswer),
    "inboxes.templates": Bodies(template_answers.TemplatesAnswer),
    "inboxes.sync": Bodies(template_answers.TemplatesAnswer),
    "campaigns.test_send": Bodies(TrialAnswer, TrialParams),
    "campaigns.test_send_unsaved": Bodies(TrialAnswer, UnsavedTrialParams),
    "inboxes.index": Bodies(answers.InboxesAnswer),
    "inboxes.create": Bodies(answers.OwnInboxObject, InboxParams),
    "inboxes.show": Bodies(answers.OwnInboxObject),
    "inboxes.update": Bodies(answers.OwnInboxObject, InboxParams),
    "webhooks.index": Bodies(answers.WebhooksAnswer),
    "webhooks.create": Bodies(answers.NewSecretAnswer, WebhookParams, "webhook"),
    "webhooks.show": Bodies(answers.WebhookAnswer),
    "webhooks.update": Bodies(answers.WebhookAnswer, WebhookParams, "webhook"),
    "webhooks.rotate_secret": Bodies(answers.NewSecretAnswer, RotationParams),
    "webhook_deliveries.index": Bodies(delivery_answers.DeliveryList, query=LogParams),
    "webhook_deliveries.show": Bodies(delivery_answers.DeliveryWithAttempts),
    "webhook_deliveries.resend": Bodies(delivery_answers.DeliveryObject),
    "webhook_deliveries.resend_failed": Bodies(delivery_answers.ResentAnswer, ReplayParams),
    "webhook_deliveries.send_test": Bodies(delivery_answers.DeliveryObject),
}
"""By the name of the view; one that is not here answers nothing, or something not described."""


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
        "webhooks": {event_type: {"post": _event(event_type)} for event_type in PAYLOADS},
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


def _event(event_type: str) -> dict[str, Any]:
    model = PAYLOADS[event_type]
    return {
        "operationId": event_type,
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
        *PAYLOADS.values(),
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
