"""Every request of the three adapters against descriptions of the providers' interfaces.

Always against ours, in `described/`: what we know of them, in our words. And against the published
OpenAPI files, which are the providers' and not passed on with this program, where `PROVIDER_SPECS`
names a folder that holds them: `twilio_api_v2010.json` (github.com/twilio/twilio-oai),
`bandwidth.yml` (github.com/Bandwidth/python-sdk) and `business-messaging-api_v23.0.yaml`
(github.com/facebook/openapi); then ours are held against them, too.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
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

OURS = Path(__file__).with_name("described")
FOLDER = os.environ.get("PROVIDER_SPECS", "")
published = [
    pytest.mark.published,
    pytest.mark.skipif(not FOLDER, reason="PROVIDER_SPECS names no folder of OpenAPI files"),
]

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Description:
    """A file, and where in the paths of requests its own begin."""

    file: Path
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


PREFIXES = {"twilio": "", "bandwidth": "/api/v2", "meta": ""}
PUBLISHED = {
    "twilio": "twilio_api_v2010.json",
    "bandwidth": "bandwidth.yml",
    "meta": "business-messaging-api_v23.0.yaml",
}
PAGING = {"limit", "after"}
"""Of every list of Meta's (https://developers.facebook.com/docs/graph-api/results), and so not
described with each."""


def ours_of(name: str) -> Description:
    """What we hold to be true of the provider's interface."""
    return Description(OURS / f"{name}.yaml", PREFIXES[name])


def published_of(name: str) -> Description:
    """What the provider has published of it."""
    return Description(Path(FOLDER) / PUBLISHED[name], PREFIXES[name])


Of = Callable[[str], Description]


@pytest.fixture(
    params=[
        pytest.param(ours_of, id="ours"),
        pytest.param(published_of, id="published", marks=published),
    ]
)
def of(request: pytest.FixtureRequest) -> Of:
    """Gives the description of a provider's interface, ours or the published one."""
    chosen: Of = request.param
    return chosen


@cache
def _read(file: Path) -> Any:
    text = file.read_text()
    if file.suffix == ".json":
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
            channel.list_templates(http, account),
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
    faults = [f"?{name}" for name, _ in parse_qsl(parts.query) if name not in asked | PAGING]
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
def test_twilios(server: Receiver, of: Of, text: str, by_key: bool, service: bool) -> None:
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
    assert [fault for one in made for fault in check(of("twilio"), *one)] == []


@pytest.mark.parametrize("text", ["Hello", "Grüße & 1+1=2 😀", "x" * 2048])
def test_bandwidths(server: Receiver, of: Of, text: str) -> None:
    made = requests_of(server, BandwidthSmsChannel(), OutgoingMessage("4711", TO, text))

    assert len(made) == 3
    assert [fault for one in made for fault in check(of("bandwidth"), *one)] == []


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
def test_metas(server: Receiver, of: Of, parameters: dict[str, Any]) -> None:
    template = {"name": "sale", "language": "en_US", "processed_params": parameters}
    message = OutgoingMessage("4711", TO, "Hello", template)

    (_, sent), *asked = requests_of(server, WhatsappChannel(), message)

    body = sent.body
    if of is published_of:
        # The file wants buttons to be counted from 2; its own examples, like the provider, from 0.
        body = body.replace(b'"index": "0"', b'"index": "2"')
    assert check(of("meta"), "post", Received(sent.path, sent.headers, body)) == []
    assert [fault for one in asked for fault in check(of("meta"), *one)] == []


def test_a_wrong_request_is_seen(server: Receiver, of: Of) -> None:
    channel = TwilioSmsChannel()
    (_, sent), *_ = requests_of(server, channel, OutgoingMessage("4711", TO, "Hello"))
    form = sent.body.decode()

    for wrong in (f"{form}&Colour=red", form.replace("To=", "At="), form.replace("3600", "soon")):
        received = Received(sent.path, sent.headers, wrong.encode())
        assert check(of("twilio"), "post", received) != [], wrong


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.published
@pytest.mark.skipif(not FOLDER, reason="PROVIDER_SPECS names no folder of OpenAPI files")
def test_what_we_hold_to_be_true_is_published(name: str) -> None:
    ours, theirs = ours_of(name), published_of(name)

    for path, operations in ours.document["paths"].items():
        for method, operation in operations.items():
            published = theirs.operation(method, theirs.prefix + re.sub(r"\{[^}]*\}", "1", path))
            known = {theirs.resolved(one)["name"] for one in published.get("parameters", [])}
            assert {one["name"] for one in operation.get("parameters", [])} <= known
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                body = theirs.resolved(published["requestBody"])["content"][media]["schema"]
                body = theirs.resolved(body)
                assert set(body.get("required", ())) <= set(content["schema"]["required"])
