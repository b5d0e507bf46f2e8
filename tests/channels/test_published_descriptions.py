"""Every request of the three adapters against the providers' published OpenAPI files.

The files are the providers' and not passed on with this program. `PROVIDER_SPECS` names a folder
that holds them: `twilio_api_v2010.json` (github.com/twilio/twilio-oai), `bandwidth.yml`
(github.com/Bandwidth/python-sdk) and `business-messaging-api_v23.0.yaml`
(github.com/facebook/openapi).
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import pytest
import yaml  # type: ignore[import-untyped]

from campaigns_app.channels.bandwidth_sms import BandwidthSmsChannel
from campaigns_app.channels.provider import Account, Outcome, OutgoingMessage, ProviderChannel
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.channels.whatsapp import WhatsappChannel
from campaigns_app.database.types import utcnow
from campaigns_app.http_client import HttpClient
from campaigns_app.operations.simulator import credentials as known
from tests.channels.providers import TO, account_of, run
from tests.receiver import Received, Receiver

FOLDER = os.environ.get("PROVIDER_SPECS", "")
pytestmark = [
    pytest.mark.published,
    pytest.mark.skipif(not FOLDER, reason="PROVIDER_SPECS names no folder of OpenAPI files"),
]

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Description:
    """A provider's file, and where in the paths of its requests the file's begin."""

    file: str
    prefix: str = ""

    @property
    def document(self) -> Any:
        """The file's content."""
        return _read(self.file)

    def operation(self, method: str, path: str) -> Any:
        """What is said of such a request; fails where nothing is."""
        for template, operations in self.document["paths"].items():
            pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(self.prefix + pattern, path) and method in operations:
                return operations[method]
        raise AssertionError(f"{method} {path} is not described")

    def resolved(self, part: Any) -> Any:
        """What a reference leads to."""
        while "$ref" in part:
            names = part["$ref"].removeprefix("#/").split("/")
            part = self.document
            for name in names:
                part = part[name.replace("~1", "/")]
        return part

    def faults(self, schema: Any, value: Any) -> list[str]:
        """In what the value is not as the schema demands."""
        validator = jsonschema_rs.Draft202012Validator({**self.document, **schema})
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


TWILIO = Description("twilio_api_v2010.json")
BANDWIDTH = Description("bandwidth.yml", "/api/v2")
META = Description("business-messaging-api_v23.0.yaml")


@cache
def _read(name: str) -> Any:
    text = (Path(FOLDER) / name).read_text()
    if name.endswith(".json"):
        return json.loads(text)
    # YAML knows dates, and numbers as keys; JSON Schema does not.
    return json.loads(json.dumps(yaml.load(text, yaml.CSafeLoader), default=str))


def requests_of(
    server: Receiver,
    channel: ProviderChannel,
    message: OutgoingMessage,
    account: Account | None = None,
) -> list[tuple[str, Received]]:
    """All kinds of requests that the channel makes, with their methods."""
    account = account or account_of(channel, server.url(""))
    server.requests.clear()

    async def make(http: HttpClient) -> None:
        # The answers say nothing: only what is asked matters here.
        for ask in (
            channel.send(http, account, message),
            channel.check(http, account),
            channel.look_up(http, account, message, utcnow()),
        ):
            try:
                await ask
            except Outcome:
                continue

    run(make)
    assert server.requests
    return [("post" if received.body else "get", received) for received in server.requests]


def check(description: Description, method: str, received: Received) -> list[str]:
    """In what a request is not as it was published."""
    parts = urlsplit(received.path)
    operation = description.operation(method, parts.path)
    parameters = [description.resolved(one) for one in operation.get("parameters", [])]
    asked = {one["name"] for one in parameters if one["in"] == "query"}
    faults = [f"?{name}" for name, _ in parse_qsl(parts.query) if name not in asked]
    if method == "get":
        return faults
    content = description.resolved(operation["requestBody"])["content"]
    media = received.headers["Content-Type"]
    schema = content[media]["schema"]
    if media == FORM:
        properties = description.resolved(schema)["properties"]
        form = dict(parse_qsl(received.body.decode()))
        faults += [f"unknown {name}" for name in form.keys() - properties.keys()]
        return faults + description.faults(schema, _typed(form, properties))
    return faults + description.faults(schema, json.loads(received.body))


def _typed(form: Mapping[str, str], properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: int(value) if _is_integer(properties.get(name)) and value.isdecimal() else value
        for name, value in form.items()
    }


def _is_integer(schema: Mapping[str, Any] | None) -> bool:
    return schema is not None and schema.get("type") == "integer"


@pytest.mark.parametrize("text", ["Hello", "Grüße & 1+1=2 😀", "x" * 1600])
@pytest.mark.parametrize("by_key", [False, True], ids=["token", "API key"])
@pytest.mark.parametrize("service", [False, True], ids=["number", "messaging service"])
def test_twilios(server: Receiver, text: str, by_key: bool, service: bool) -> None:
    channel = TwilioSmsChannel()
    account = account_of(channel, server.url(""))
    settings, secrets = dict(account.settings), dict(account.secrets)
    if by_key:
        settings["api_key_sid"] = known.API_KEY_SID
        secrets["api_key_secret"] = known.SECRET
    if service:
        del settings["phone_number"]
        settings["messaging_service_sid"] = known.MESSAGING_SERVICE_SID
    account = Account(settings, secrets, account.callback_url, account.base_url)

    made = requests_of(server, channel, OutgoingMessage("4711", TO, text), account)

    assert len(made) == 3
    assert [fault for one in made for fault in check(TWILIO, *one)] == []


@pytest.mark.parametrize("text", ["Hello", "Grüße & 1+1=2 😀", "x" * 2048])
def test_bandwidths(server: Receiver, text: str) -> None:
    made = requests_of(server, BandwidthSmsChannel(), OutgoingMessage("4711", TO, text))

    assert len(made) == 3
    assert [fault for one in made for fault in check(BANDWIDTH, *one)] == []


TEMPLATES: dict[str, dict[str, Any]] = {
    "positional": {"body": {"1": "Ana", "2": "Friday"}},
    "named": {"body": {"customer": "Ana"}},
    "header": {
        "header": {"media_url": "https://example.com/a.png", "media_type": "image"},
        "body": {"1": "Ana"},
    },
    "button": {"body": {"1": "Ana"}, "buttons": [{"type": "url", "parameter": "abc"}]},
    "none": {},
}


@pytest.mark.parametrize("parameters", TEMPLATES.values(), ids=TEMPLATES)
def test_metas(server: Receiver, parameters: dict[str, Any]) -> None:
    template = {"name": "sale", "language": "en_US", "processed_params": parameters}
    message = OutgoingMessage("4711", TO, "Hello", template)

    (_, sent), *asked = requests_of(server, WhatsappChannel(), message)

    # The file wants buttons to be counted from 2; its own examples, like the provider, from 0.
    recounted = sent.body.replace(b'"index": "0"', b'"index": "2"')
    assert check(META, "post", Received(sent.path, sent.headers, recounted)) == []
    assert [fault for one in asked for fault in check(META, *one)] == []


def test_a_wrong_request_is_seen(server: Receiver) -> None:
    channel = TwilioSmsChannel()
    (_, sent), *_ = requests_of(server, channel, OutgoingMessage("4711", TO, "Hello"))
    form = sent.body.decode()

    for wrong in (f"{form}&Colour=red", form.replace("To=", "At="), form.replace("3600", "soon")):
        received = Received(sent.path, sent.headers, wrong.encode())
        assert check(TWILIO, "post", received) != [], wrong
