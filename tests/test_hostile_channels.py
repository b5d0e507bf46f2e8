"""Whatever is sent to the pages of channels and to callback addresses is answered, never with 500.

Over real HTTP, as bytes: a test's own client would not send half of this.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.channels.twilio_callbacks import sign as sign_form
from campaigns_app.channels.whatsapp_callbacks import sign
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox, ProviderEvent
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.operations.simulator import credentials as known
from campaigns_app.operations.simulator.process import LINES
from tests.factories import PASSWORD, make_campaign, make_contact, make_label, make_user
from tests.serving import serving

MEGABYTE = 1_000_000
FORMATS = ("twilio", "bandwidth", "whatsapp")
PROOFS = ("Authorization", "X-Hub-Signature-256", "X-Twilio-Signature")


class Hostile:
    """Whoever asks the server at `url` for something; `cookie` is a session's."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.cookie = ""

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The status, the headers and the body of the answer."""
        with closing(HTTPConnection(self.host, timeout=20)) as http:
            http.putrequest(method, path, skip_accept_encoding=True)
            sent = {"Content-Length": str(len(body)), "Cookie": self.cookie} | dict(headers or {})
            for name, value in sent.items():
                http.putheader(name, value.encode("latin-1"))
            http.endheaders(body)
            answer = http.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def post(self, path: str, **fields: object) -> tuple[int, bytes]:
        """The answer to a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(fields, doseq=True).encode()
        status, _, page = self.ask("POST", path, body, headers)
        return status, page


@pytest.fixture
def hostile(app: Flask) -> Iterator[Hostile]:
    """Somebody without a session."""
    with serving(app) as url:
        yield Hostile(url)


@pytest.fixture
def insider(hostile: Hostile, account: Account, session: Session) -> Hostile:
    """An administrator of the account."""
    email = make_user(account).email
    session.rollback()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"email": email, "password": PASSWORD}).encode()
    _, answered, _ = hostile.ask("POST", "/login", body, headers)
    hostile.cookie = answered["Set-Cookie"].partition(";")[0]
    return hostile


@pytest.fixture
def inboxes(account: Account, keys: list[str], session: Session) -> dict[str, str]:
    """The paths of the callback addresses of an inbox of each provider's, by format."""
    paths = {}
    for name in FORMATS:
        line = LINES[name]
        inbox = create_inbox(account.id, InboxDraft(name, line.channel.name, dict(line.settings)))
        paths[name] = f"/callbacks/{line.channel.callback_slug}/{inbox.callback_token}"
    session.rollback()
    return paths


def signed(app: Flask, name: str, path: str, body: bytes) -> dict[str, str]:
    """The headers with which a provider proves that it sends this body."""
    if name == "bandwidth":
        secret = b64encode(f"{known.CALLBACK_USER}:{known.SECRET}".encode()).decode()
        return {"Authorization": f"Basic {secret}"}
    if name == "whatsapp":
        return {"X-Hub-Signature-256": sign(known.SECRET, body)}
    form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {"X-Twilio-Signature": sign_form(known.SECRET, app.config["PUBLIC_URL"] + path, form)}


def told(name: str, text: str = "Thank you") -> bytes:
    """A callback of that provider that tells of a reply."""
    if name == "twilio":
        return urlencode({"MessageSid": "SM1", "From": known.SENDER, "Body": text}).encode()
    if name == "bandwidth":
        message = {"id": "1", "from": known.SENDER, "text": text, "time": "2030-01-01T00:00:00Z"}
        return json.dumps([{"type": "message-received", "message": message}]).encode()
    reply = {"id": "1", "from": known.SENDER[1:], "type": "text", "text": {"body": text}}
    value = {"messages": [reply], "metadata": {"phone_number_id": known.PHONE_NUMBER_ID}}
    changes = [{"field": "messages", "value": value}]
    return json.dumps({"entry": [{"id": known.BUSINESS_ACCOUNT_ID, "changes": changes}]}).encode()


def count_kept(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(ProviderEvent)) or 0


@pytest.mark.parametrize("name", FORMATS)
def test_a_callback_and_its_repetition_are_kept_once(
    app: Flask, hostile: Hostile, inboxes: dict[str, str], session: Session, name: str
) -> None:
    path, body = inboxes[name], told(name)

    answers = [hostile.ask("POST", path, body, signed(app, name, path, body)) for _ in range(3)]

    assert [status for status, _, _ in answers] == [204] * 3
    assert count_kept(session) == 1


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {
            "Authorization": "Basic \xff",
            "X-Hub-Signature-256": "\xff",
            "X-Twilio-Signature": "\xff",
        },
        {"Authorization": "Bearer x", "X-Hub-Signature-256": "sha256=", "X-Twilio-Signature": "="},
        dict.fromkeys(("Authorization", "X-Hub-Signature-256"), "x" * 9000),
    ],
)
def test_who_does_not_prove_who_they_are_is_refused(
    hostile: Hostile, inboxes: dict[str, str], session: Session, name: str, headers: dict[str, str]
) -> None:
    status, answered, page = hostile.ask("POST", inboxes[name], told(name), headers)

    assert status == (401 if name == "bandwidth" else 403)
    assert ("WWW-Authenticate" in answered) == (status == 401)
    assert count_kept(session) == 0
    assert known.SECRET.encode() not in page


@pytest.mark.parametrize("name", ["twilio", "whatsapp"])
def test_the_proof_of_one_body_or_address_is_none_of_another(
    app: Flask, hostile: Hostile, inboxes: dict[str, str], name: str
) -> None:
    path, body = inboxes[name], told(name)
    headers = signed(app, name, path, body)

    assert hostile.ask("POST", path, told(name, "STOP"), headers)[0] == 403
    if name == "twilio":
        assert hostile.ask("POST", f"{path}?d=1", body, headers)[0] == 403


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\x00", b"\xff\xfe", b"{", b"[" * 100_000, b"null", b"[null]", b"{}", b"[[]]"),
        *(b'{"entry": [{"changes": [{"value": 7}]}]}', b'{"entry": [7, null, {"changes": {}}]}'),
        *(b'[{"type": 7, "message": "x"}]', b'[{"type": "message-delivered", "message": null}]'),
        *(b"MessageSid=%00&From=%ED%A0%80&Body=%FF", b"MessageSid", b"&=&=&", b"a=1&" * 50_000),
        *(b"1e999", b'{"entry": 1e999}', b"-" * 1000, b'"' + b"x" * MEGABYTE + b'"'),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_makes_no_sense_is_refused_or_ignored(
    app: Flask, hostile: Hostile, inboxes: dict[str, str], name: str, body: bytes
) -> None:
    path = inboxes[name]

    status, _, page = hostile.ask("POST", path, body, signed(app, name, path, body))

    assert status in (204, 400)
    assert page == b""


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "media",
    [
        *("text/plain", "application/json", "application/xml", "multipart/form-data", ";;;"),
        *("multipart/form-data; boundary=\xff", "application/x-www-form-urlencoded; charset=x"),
    ],
)
def test_the_content_type_is_nobodys_proof_and_no_obstacle(
    app: Flask, hostile: Hostile, inboxes: dict[str, str], name: str, media: str
) -> None:
    path, body = inboxes[name], told(name)
    headers = signed(app, name, path, body) | {"Content-Type": media}

    assert hostile.ask("POST", path, body, headers)[0] == 204


@pytest.mark.parametrize("name", FORMATS)
def test_a_long_reply_is_kept_shortened_and_a_longer_body_is_not_read(
    app: Flask, hostile: Hostile, inboxes: dict[str, str], session: Session, name: str
) -> None:
    path, long, longer = inboxes[name], told(name, "x\0" * (MEGABYTE // 2)), b" " * 4_000_001

    taken = hostile.ask("POST", path, long, signed(app, name, path, long))[0]
    refused = hostile.ask("POST", path, longer, signed(app, name, path, longer))[0]

    assert (taken, refused) == (204, 413)
    session.rollback()
    assert len(session.scalars(select(ProviderEvent)).one().event["text"]) <= 4000


@pytest.mark.parametrize("slug", ["twilio", "bandwidth", "whatsapp", "nobody", "%00", "%FF"])
@pytest.mark.parametrize("token", ["wrong", "%00", "a%00b", "%FF%FE", "%F0%9F%98%80", "x" * 2000])
def test_an_address_that_is_none_is_not_found(
    hostile: Hostile, inboxes: dict[str, str], slug: str, token: str
) -> None:
    path = f"/callbacks/{slug}/{token}"

    assert [hostile.ask(method, path, b"{}")[0] for method in ("POST", "GET")] == [404, 404]


@pytest.mark.parametrize(
    "query",
    [
        *("", "hub.mode=subscribe", "hub.mode=subscribe&hub.verify_token=%00"),
        *("hub.mode=subscribe&hub.verify_token=%FF%FE&hub.challenge=1", "%00=%00", "&&&==="),
    ],
)
@pytest.mark.parametrize("name", FORMATS)
def test_nobody_else_verifies_an_address(
    hostile: Hostile, inboxes: dict[str, str], name: str, query: str
) -> None:
    assert hostile.ask("GET", f"{inboxes[name]}?{query}")[0] == 403


UNSTORABLE = ("\0", "a\0b", "x" * MEGABYTE)


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("value", UNSTORABLE, ids=["NUL", "NUL inside", "a megabyte"])
def test_no_field_of_an_inbox_takes_what_cannot_be_stored(
    insider: Hostile, session: Session, keys: list[str], name: str, value: str
) -> None:
    channel = LINES[name].channel()
    fields = [setting.name for setting in channel.settings]
    good = dict(LINES[name].settings) | {"name": "Phones"}

    statuses = {
        field: insider.post(f"/inboxes/new/{channel.slug}", **good | {field: value})[0]
        for field in ("name", "rate", *fields)
    }

    assert statuses == dict.fromkeys(statuses, 422)
    session.rollback()
    assert session.scalars(select(Inbox)).all() == []


@pytest.mark.parametrize("name", ["twilio", "bandwidth"])
@pytest.mark.parametrize("number", ["0800 FLOWERS", "+", "+1", "{{ x }}", "+٣٣٣٣٣٣٣٣٣٣", "<b>"])
def test_a_sender_that_is_no_number_is_refused(
    insider: Hostile, keys: list[str], name: str, number: str
) -> None:
    channel = LINES[name].channel()
    good = dict(LINES[name].settings) | {"name": "Phones"}

    status, page = insider.post(f"/inboxes/new/{channel.slug}", **good | {"phone_number": number})

    assert status == 422
    assert b"<b>" not in page


@pytest.mark.parametrize(
    "path", ["preflight", "template", "template-preview", "trial", "1/trial", "1/trial-of-changes"]
)
@pytest.mark.parametrize("field", ["message", "inbox_id", "audience", "template", "own_number"])
def test_a_hostile_campaign_is_answered(
    insider: Hostile,
    inboxes: dict[str, str],
    account: Account,
    session: Session,
    path: str,
    field: str,
) -> None:
    label = make_label(account)
    make_contact(account, label)
    inbox_id = session.scalars(select(Inbox.id).order_by(Inbox.id)).first() or 0
    make_campaign(account, label, inbox_id=inbox_id)
    good = {"title": "Sale", "message": "Hi", "inbox_id": inbox_id, "audience": label.id}
    session.rollback()

    for value in (*UNSTORABLE, "99999999999999999999", "1e309", "{{", b"\xff\xfe"):
        status, _ = insider.post(f"/campaigns/{path}", **good | {"to": "me", field: value})
        assert status in (200, 422, 429), value
