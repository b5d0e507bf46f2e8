"""The WhatsApp Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api)."""

import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from aiohttp import web

from campaigns_app.channels.whatsapp_callbacks import sign
from campaigns_app.operations.simulator.credentials import (
    BUSINESS_ACCOUNT_ID,
    PHONE_NUMBER_ID,
    SECRET,
    SENDER,
)
from campaigns_app.operations.simulator.formats import (
    Callback,
    Format,
    Malformed,
    Order,
    Refusal,
    State,
    problem,
)
from campaigns_app.operations.simulator.ledger import Ledger
from campaigns_app.operations.simulator.whatsapp_templates import (
    TEMPLATES,
    find_template,
    refusal_of,
)

NUMBER = re.compile(r"\+?[1-9][0-9]{6,14}")
PARAMETER_KINDS = ("text", "image", "video", "document", "payload", "coupon_code", "currency")

REFUSALS = {
    Refusal.ADDRESS: (400, 131026, "Message undeliverable"),
    Refusal.OPTED_OUT: (400, 131050, "User has stopped marketing messages"),
    Refusal.TOO_FAST: (429, 130429, "Rate limit hit"),
    Refusal.TROUBLE: (500, 131000, "Something went wrong"),
    Refusal.ACCOUNT: (403, 131031, "Account has been locked"),
}
STATES = {
    State.SENT: ("sent", None),
    State.DELIVERED: ("delivered", None),
    State.READ: ("read", None),
    State.FAILED: ("failed", 131026),
    State.OPTED_OUT: ("failed", 131050),
}


class WhatsappFormat(Format):
    """WhatsApp, whose callbacks go where the app says. It sends the approved ones of its templates,
    with as many parameters as they want."""

    name = "whatsapp"
    send_path = "/{version:v[0-9]+\\.0}/{number}/messages"
    last_state = State.READ

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.templates = deepcopy(TEMPLATES)

    def routes(self) -> Sequence[web.RouteDef]:
        """The number, and the account's templates."""
        return (
            web.get("/{version:v[0-9]+\\.0}/{number}", self._number),
            web.get("/{version:v[0-9]+\\.0}/{account}/message_templates", self._templates),
        )

    async def read(self, request: web.Request) -> Order:
        """See the base class."""
        _check_credentials(request, request.match_info["number"], PHONE_NUMBER_ID)
        try:
            told = json.loads(await request.read())
        except ValueError as error:
            raise Malformed(_error(400, 100, "not JSON")) from error
        if not _is_message(told):
            raise Malformed(_error(400, 100, "Invalid parameter"))
        refusal = refusal_of(self.templates, told["template"])
        if refusal is not None:
            raise Malformed(_error(*refusal))
        to = "+" + told["to"].removeprefix("+")
        text = json.dumps(told["template"].get("components", []), ensure_ascii=False)
        ours = told.get("biz_opaque_callback_data", "")
        return Order(PHONE_NUMBER_ID, to, text, ours, self.callback_url, {"input": told["to"]})

    def accept(self, order: Order, provider_id: str) -> web.Response:
        """See the base class."""
        contact = {"input": order.extra["input"], "wa_id": order.to[1:]}
        message = {"id": provider_id, "message_status": "accepted"}
        told = {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}
        return problem(200, told)

    def refuse(self, refusal: Refusal, order: Order) -> web.Response:
        """See the base class."""
        status, code, message = REFUSALS[refusal]
        headers = {"Retry_After": "1"} if status == 429 else {}
        return _error(status, code, message, **headers)

    def make_id(self) -> str:
        """See the base class."""
        return f"wamid.{secrets.token_urlsafe(24)}"

    def receipt(self, order: Order, provider_id: str, state: State) -> Callback | None:
        """See the base class."""
        kind, code = STATES[state]
        status: dict[str, Any] = {
            "id": provider_id,
            "status": kind,
            "timestamp": str(int(time.time())),
            "recipient_id": order.to[1:],
        }
        if order.delivery_id:
            status["biz_opaque_callback_data"] = order.delivery_id
        if code:
            status["errors"] = [{"code": code, "title": state.value, "message": state.value}]
        return _of_number(order.callback, {"statuses": [status]})

    def reply(self, order: Order, text: str) -> Callback | None:
        """See the base class."""
        message = {
            "from": order.to[1:],
            "id": self.make_id(),
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": text},
        }
        return _of_number(order.callback, {"messages": [message]})

    def change_template(self, told: Mapping[str, Any]) -> Callback | None:
        """See the base class."""
        language = told.get("language", "en_US")
        template = find_template(self.templates, told["name"], language)
        if template is None:
            raise Malformed(_error(404, 100, "no such template"))
        template["status"] = told["status"]
        news = {
            "event": told["status"],
            "message_template_id": int(template["id"]),
            "message_template_name": template["name"],
            "message_template_language": language.replace("_", "-"),
            "reason": told.get("reason", "NONE"),
        }
        return _callback(self.callback_url, "message_template_status_update", news)

    async def _number(self, request: web.Request) -> web.Response:
        _check_credentials(request, request.match_info["number"], PHONE_NUMBER_ID)
        told = {"id": PHONE_NUMBER_ID, "verified_name": "Simulator"}
        return problem(200, told | {"display_phone_number": SENDER, "quality_rating": "GREEN"})

    async def _templates(self, request: web.Request) -> web.Response:
        """One template a page, so that whoever asks has to go on."""
        _check_credentials(request, request.match_info["account"], BUSINESS_ACCOUNT_ID)
        place = int(request.query.get("after", "0"))
        paging: dict[str, Any] = {"cursors": {"before": str(place), "after": str(place + 1)}}
        if place + 1 < len(self.templates):
            paging["next"] = "https://graph.facebook.com/next"
        return problem(200, {"data": self.templates[place : place + 1], "paging": paging})


def _check_credentials(request: web.Request, given: str, right: str) -> None:
    if request.headers.get("Authorization") != f"Bearer {SECRET}":
        raise Malformed(_error(401, 190, "Invalid OAuth access token"))
    if given != right:
        raise Malformed(_error(400, 33, "Object does not exist"))


def _is_message(told: Any) -> bool:
    """Whether a request is a template message, in all its parts."""
    if not isinstance(told, dict) or not isinstance(told.get("template"), dict):
        return False
    template, to = told["template"], told.get("to")
    language = template.get("language")
    return (
        told.get("messaging_product") == "whatsapp"
        and told.get("recipient_type") == "individual"
        and told.get("type") == "template"
        and isinstance(to, str)
        and NUMBER.fullmatch(to) is not None
        and isinstance(template.get("name"), str)
        and isinstance(language, dict)
        and language.get("policy") == "deterministic"
        and isinstance(language.get("code"), str)
        and all(_is_component(one) for one in template.get("components", []))
    )


def _is_component(component: Any) -> bool:
    if not isinstance(component, dict) or not isinstance(component.get("parameters"), list):
        return False
    if component.get("type") == "button" and not {"sub_type", "index"} <= set(component):
        return False
    return component.get("type") in ("header", "body", "button") and all(
        isinstance(one, dict) and one.get("type") in PARAMETER_KINDS and one.get(one["type"])
        for one in component["parameters"]
    )


def _error(status: int, code: int, message: str, **headers: str) -> web.Response:
    error = {
        "message": f"(#{code}) {message}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": message},
        "fbtrace_id": secrets.token_urlsafe(8),
    }
    return problem(status, {"error": error}, **headers)


def _of_number(url: str | None, told: dict[str, Any]) -> Callback | None:
    metadata = {"display_phone_number": SENDER, "phone_number_id": PHONE_NUMBER_ID}
    return _callback(
        url, "messages", {"messaging_product": "whatsapp", "metadata": metadata, **told}
    )


def _callback(url: str | None, field: str, value: dict[str, Any]) -> Callback | None:
    if url is None:
        return None
    changes = [{"field": field, "value": value}]
    entry = {"id": BUSINESS_ACCOUNT_ID, "time": int(time.time()), "changes": changes}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(SECRET, body)}
    return Callback(url, body, headers)
