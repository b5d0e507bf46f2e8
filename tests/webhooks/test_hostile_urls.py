"""URLs that lead, or would like to lead, into the operator's own network.

Each is refused where it is saved, and again where it is sent to, should it have got into the
database in spite of that. A server listens where they lead, and must never hear of anybody.
"""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.models import WebhookEndpoint
from tests.factories import make_account, make_endpoint, make_token
from tests.receiver import Receiver
from tests.webhooks.scenes import only_attempt, only_delivery, tell_once

INVALID = "Url is invalid"
INSIDE = "Url leads into a private network, which is not allowed"
BLOCKED = "destination not allowed"
PORT = "Url has a port that is not allowed (80, 443, and those from 1024 are)"

HOSTILE = {
    # Addresses written as they are.
    "http://127.0.0.1:{port}/": INSIDE,
    "http://127.255.255.254:{port}/": INSIDE,
    "http://0.0.0.0:{port}/": INSIDE,
    "http://10.0.0.1:{port}/": INSIDE,
    "http://172.16.0.1:{port}/": INSIDE,
    "http://192.168.0.1:{port}/": INSIDE,
    "http://100.64.0.1:{port}/": INSIDE,
    "http://169.254.169.254/latest/meta-data/": INSIDE,
    "http://[::1]:{port}/": INSIDE,
    "http://[::]:{port}/": INSIDE,
    "http://[fd00:ec2::254]/": INSIDE,
    "http://[fe80::1]:{port}/": INSIDE,
    # Names of one's own machine.
    "http://localhost:{port}/": INSIDE,
    "http://LOCALHOST.:{port}/": INSIDE,
    # IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo.
    "http://[::ffff:127.0.0.1]:{port}/": INSIDE,
    "http://[::ffff:7f00:1]:{port}/": INSIDE,
    "http://[::127.0.0.1]:{port}/": INSIDE,
    "http://[64:ff9b::7f00:1]:{port}/": INSIDE,
    "http://[2002:7f00:1::]:{port}/": INSIDE,
    "http://[2001:0:7f00:1::]:{port}/": INSIDE,
    # Spellings that only some clients take for an address.
    "http://2130706433:{port}/": INVALID,
    "http://0x7f000001:{port}/": INVALID,
    "http://0x7f.0.0.1:{port}/": INVALID,
    "http://0177.0.0.1:{port}/": INVALID,
    "http://017700000001:{port}/": INVALID,
    "http://127.1:{port}/": INVALID,
    "http://127.0.0.1.:{port}/": INVALID,
    "http://①②⑦.⓪.⓪.①:{port}/": None,
    "http://127。0。0。1:{port}/": None,
    "http://[::1%25lo]:{port}/": INVALID,
    # Parts that clients read differently, or that have no place here.
    "http://user:password@127.0.0.1:{port}/": INVALID,
    "http://example.com@127.0.0.1:{port}/": INVALID,
    "http://127.0.0.1:{port}\\@example.com/": INVALID,
    "http://127.0.0.1:{port}/#@example.com": INVALID,
    "http://127.0.0.1:{port}/\r\nHost: inside": INVALID,
    "//127.0.0.1:{port}/": INVALID,
    "ftp://127.0.0.1:{port}/": INVALID,
    "file:///etc/passwd": INVALID,
    "gopher://127.0.0.1:{port}/": INVALID,
    "http://127.0.0.1:0/": INVALID,
    # Servers that are none of the web's.
    "http://127.0.0.1:22/": PORT,
    "http://1.1.1.1:25/": PORT,
    "https://1.1.1.1:53/": PORT,
}
"""What is said of each; None where it depends on the reader of names, but is never accepted."""

each_hostile_url = pytest.mark.parametrize("pattern", HOSTILE, ids=ascii)


@pytest.fixture(autouse=True)
def nothing_is_allowed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "WEBHOOK_ALLOWED_NETWORKS", ())


@pytest.fixture
def silent(receiver: Receiver) -> Iterator[Receiver]:
    """A server to which nobody may connect while the test lasts."""
    yield receiver
    assert receiver.connections == 0


def in_full(pattern: str, receiver: Receiver) -> str:
    return pattern.replace("{port}", str(receiver.server_address[1]))


@each_hostile_url
def test_the_page_refuses_it_at_its_field(
    admin_client: FlaskClient, session: Session, silent: Receiver, pattern: str
) -> None:
    form = {"url": in_full(pattern, silent), "subscriptions": ["message_created"]}

    page = admin_client.post("/webhooks", data=form)

    assert page.status_code == 422
    _, _, at_field = page.text.partition('id="url-errors"')
    assert (HOSTILE[pattern] or "Url ") in at_field.partition("</div>")[0]
    assert session.scalars(select(WebhookEndpoint)).all() == []


@each_hostile_url
def test_the_api_refuses_it_naming_the_field(
    client: FlaskClient, session: Session, silent: Receiver, admin: object, pattern: str
) -> None:
    headers = {"api_access_token": make_token(admin)}  # type: ignore[arg-type]

    answer = client.post(
        "/api/v1/webhooks", json={"url": in_full(pattern, silent)}, headers=headers
    )

    assert answer.status_code == 422
    refusal = answer.json or {}
    assert refusal["attributes"] == ["url"]
    assert refusal["message"] in {INVALID, INSIDE, PORT}
    assert refusal["message"] == (HOSTILE[pattern] or refusal["message"])
    assert session.scalars(select(WebhookEndpoint)).all() == []


@each_hostile_url
def test_a_request_to_it_is_refused_and_written_down(
    session: Session, silent: Receiver, pattern: str
) -> None:
    endpoint = make_endpoint(make_account(), url=in_full(pattern, silent))
    tell_once(session, endpoint)

    deliver_webhooks()

    attempt = only_attempt(session)
    # Whether the name of this machine may end in a dot, resolvers do not agree.
    refusals = {BLOCKED, "name not found"} if "LOCALHOST." in pattern else {BLOCKED}
    assert attempt.error in refusals
    assert (attempt.status_code, attempt.response_body) == (None, None)
    assert attempt.duration_ms == 0 or attempt.error != BLOCKED
    assert only_delivery(session).state == "pending"
