"""A callback is checked, kept once, and answered; what it means is another's business."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from campaigns_app.campaigns import callback_views
from campaigns_app.campaigns.receipt_jobs import process_receipts, sweep_receipts
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import ProviderEvent
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.job_queue import DEFAULT, get_queue, get_redis
from tests.campaigns.telling import SIGNATURE, TellingChannel, make_telling_inbox, only_channel
from tests.factories import make_account

SIGNED = {"X-Signature": SIGNATURE}
DELIVERED = {"key": "1", "kind": "delivered", "delivery_id": "1"}

pytestmark = pytest.mark.usefixtures("csrf")


@pytest.fixture(autouse=True)
def channel(app: Flask) -> Iterator[TellingChannel]:
    """The only channel there is."""
    with only_channel(app) as channel:
        yield channel


@pytest.fixture
def address(app: Flask) -> str:
    """The callback address of an inbox."""
    return f"/callbacks/telling/{make_telling_inbox(make_account()).callback_token}"


def tell(client: FlaskClient, address: str, *events: dict[str, Any], **extra: Any) -> TestResponse:
    return client.post(address, data=json.dumps(events), headers=SIGNED, **extra)


def kept(session: Session) -> list[ProviderEvent]:
    session.rollback()
    return list(session.scalars(select(ProviderEvent).order_by(ProviderEvent.id)))


def test_what_is_told_is_kept_as_it_came_and_rung_for(
    client: FlaskClient, session: Session, address: str
) -> None:
    answer = tell(client, address, DELIVERED)

    (one,) = kept(session)
    assert (answer.status_code, answer.data) == (204, b"")
    assert (one.key, one.kind, one.event) == ("1", "delivered", {"delivery_id": "1"})
    assert (json.loads(one.raw), one.processed_at) == ([DELIVERED], None)
    assert [str(job.func_name).rpartition(".")[2] for job in get_queue(DEFAULT).get_jobs()] == [
        "process_receipts"
    ]


def test_what_is_told_again_is_kept_once(
    client: FlaskClient, session: Session, address: str
) -> None:
    other = DELIVERED | {"key": "2"}

    answers = [tell(client, address, DELIVERED), tell(client, address, DELIVERED, other)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert [one.key for one in kept(session)] == ["1", "2"]


def test_the_body_is_kept_with_an_event_that_is_new(
    client: FlaskClient, session: Session, address: str
) -> None:
    other, last = DELIVERED | {"key": "2"}, DELIVERED | {"key": "3"}

    tell(client, address, DELIVERED)
    tell(client, address, DELIVERED, last, other, other)
    tell(client, address, last, DELIVERED)

    assert {one.key: one.raw and json.loads(one.raw) for one in kept(session)} == {
        "1": [DELIVERED],
        "2": [DELIVERED, last, other, other],
        "3": "",
    }


def test_a_callback_without_an_event_that_we_know_is_kept_as_it_came(
    client: FlaskClient, session: Session, address: str
) -> None:
    answers = [client.post(address, data=body, headers=SIGNED) for body in ("[]", " []", "[]")]
    process_receipts()

    assert [answer.status_code for answer in answers] == [204] * 3
    assert [(one.raw, one.result) for one in kept(session)] == [
        ("[]", "not_understood"),
        (" []", "not_understood"),
    ]
    assert get_queue(DEFAULT).count == 0


def test_two_inboxes_may_be_told_the_same(
    client: FlaskClient, session: Session, address: str
) -> None:
    other = f"/callbacks/telling/{make_telling_inbox(make_account()).callback_token}"

    tell(client, address, DELIVERED)
    tell(client, other, DELIVERED)

    assert len({one.inbox_id for one in kept(session)}) == 2


def test_many_callbacks_ring_for_one_job(client: FlaskClient, address: str) -> None:
    for number in range(5):
        tell(client, address, DELIVERED | {"key": str(number)})

    assert get_queue(DEFAULT).count == 1


def test_what_the_queue_forgot_is_rung_for_by_the_sweep(client: FlaskClient, address: str) -> None:
    tell(client, address, DELIVERED)
    get_redis().flushall()

    sweep_receipts()

    assert get_queue(DEFAULT).count == 1


def test_nothing_to_do_rings_for_nobody(client: FlaskClient, address: str) -> None:
    assert tell(client, address).status_code == 204
    process_receipts()

    sweep_receipts()

    assert get_queue(DEFAULT).count == 0


@pytest.mark.parametrize("headers", [{}, {"X-Signature": "forged"}])
def test_a_forged_callback_is_refused_and_not_kept(
    client: FlaskClient, session: Session, address: str, headers: dict[str, str]
) -> None:
    answer = client.post(address, data=json.dumps([DELIVERED]), headers=headers)

    assert answer.status_code == 403
    assert kept(session) == []


def test_who_lacks_credentials_is_told_how_to_give_them(client: FlaskClient, address: str) -> None:
    answer = client.post(f"{address}?authorization=no", data="[]")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"no json", b"[1]", b"null", b"\xff\xfe", b'[{"kind": "delivered"}]'),
        *(b'[{"key": "1", "kind": "exploded"}]', b"[" * 100_000, b'[{"key": 1}]'),
    ],
)
def test_what_cannot_be_understood_is_refused_and_not_kept(
    client: FlaskClient, session: Session, address: str, body: bytes
) -> None:
    answer = client.post(address, data=body, headers=SIGNED)

    assert answer.status_code == 400
    assert kept(session) == []


@pytest.mark.parametrize(
    "values",
    [
        {"text": "a\x00b\ud800"},
        {"key": "k" * 5000, "code": "c" * 500, "text": "t" * 50_000},
        {"key": "\x00"},
        {"at": None, "address": "x" * 999, "provider_message_id": "y" * 999},
    ],
)
def test_anything_a_provider_says_can_be_kept(
    client: FlaskClient, session: Session, address: str, values: dict[str, Any]
) -> None:
    answer = tell(client, address, DELIVERED | values)

    assert answer.status_code == 204
    assert len(kept(session)) == 1


@pytest.mark.parametrize(
    "path", ["/callbacks/telling/nobody", "/callbacks/other/{}", "/callbacks/telling"]
)
def test_an_address_that_is_no_inboxs_is_not_found(
    client: FlaskClient, address: str, path: str
) -> None:
    token = address.rpartition("/")[2]

    answer = client.post(path.format(token), data="[]", headers=SIGNED)

    assert (answer.status_code, answer.data) == (404, b"")


def test_more_than_a_provider_sends_is_not_read(client: FlaskClient, address: str) -> None:
    body = b" " * (callback_views.LONGEST_BODY_BYTES + 1)

    assert client.post(address, data=body, headers=SIGNED).status_code == 413


def test_while_the_database_is_away_the_provider_is_to_ask_again(
    app: Flask, client: FlaskClient, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*call: object) -> None:
        raise OperationalError("", {}, Exception("gone"))

    monkeypatch.setattr(callback_views, "keep_events", fail)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)

    assert tell(client, address, DELIVERED).status_code == 503


def test_the_provider_makes_sure_that_the_address_is_ours(
    client: FlaskClient, address: str
) -> None:
    right = client.get(f"{address}?token={SIGNATURE}&challenge=<b>7")
    wrong = client.get(f"{address}?token=guess&challenge=7")

    assert (right.status_code, right.mimetype, right.text) == (200, "text/plain", "<b>7")
    assert wrong.status_code == 403


def test_nobody_gets_a_session(client: FlaskClient, address: str) -> None:
    assert "Set-Cookie" not in tell(client, address, DELIVERED).headers


def test_an_inbox_of_a_provider_gets_an_address_of_its_own(app: Flask) -> None:
    account_id = make_account().id

    tokens = {
        create_inbox(account_id, InboxDraft(name, "Telling", {})).callback_token for name in "ab"
    }

    assert len(tokens) == 2
    assert all(token is not None and len(token) >= 43 for token in tokens)
