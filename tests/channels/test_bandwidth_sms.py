"""Bandwidth's requests, errors, look-up and callbacks."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns_app.channels.asking import basic
from campaigns_app.channels.bandwidth_codes import ANSWERS, RECEIPTS
from campaigns_app.channels.bandwidth_sms import BandwidthSmsChannel
from campaigns_app.channels.provider import (
    AccountPause,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    Outcome,
    Permanent,
    ProviderEvent,
    Receipt,
    Retry,
    Suppress,
    Unknown,
)
from campaigns_app.operations.simulator import credentials as known
from tests import receiver as manners
from tests.channels.providers import (
    PATHS,
    TO,
    account_of,
    look_up,
    message_to,
    refused,
    run,
    send,
    told,
)
from tests.receiver import Receiver

CHANNEL = BandwidthSmsChannel()
MESSAGE_ID = "14762070468292kw2fuqty55yp2b2"
SINCE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

ANSWERED: dict[str, type[Outcome]] = {
    **dict.fromkeys(("unauthorized", "forbidden", "unsupported-content-type"), AccountPause),
    "max-message-queue-size-exceeded": Retry,
}
TOLD: dict[str, type[Outcome]] = {
    code: kind
    for kind, codes in {
        Permanent: "4301 4302 4303 4350 4360 4401 4404 4406 4408 4432 4434 4492 4700 4701 4711 "
        "4712 4720 4721 4730 4740 4750 4751 4752 4772 4790 4791 4792 4793 5231",
        Suppress: "4775 4482",
        AccountPause: "4001 4403 4405 4407 4409 4431 4433 4451 4452 4470 4481 4493 4770 4771 4773 "
        "4774 4795",
        Retry: "4702 4780 4781 4785 5100 5101 5106 5111 5201 5211 5220 5500 5501 5600 5610 5620 "
        "5630 5650",
        Unknown: "9902 9999 5999",
    }.items()
    for code in codes.split()
}


def error(kind: str, status: int = 400, **more: Any) -> Any:
    """Bandwidth's refusal of a request."""
    return told(status, {"type": kind, "description": "no", **more})


@pytest.mark.parametrize(("kind", "outcome"), ANSWERED.items())
def test_a_refusal_is_understood_by_its_type(
    server: Receiver, kind: str, outcome: type[Outcome]
) -> None:
    # 418: the status says nothing.
    found = refused(server, CHANNEL, error(kind, 418), message_to())

    assert (type(found), found.code, found.text) == (outcome, kind, ANSWERS[kind].meaning)


def test_every_row_of_the_tables_is_tested() -> None:
    assert set(ANSWERED) == set(ANSWERS)
    assert {code: verdict.kind for code, verdict in RECEIPTS.items()} == TOLD


@pytest.mark.parametrize(
    ("field", "outcome"),
    [
        ("to", Permanent),
        ("text", Permanent),
        ("from", AccountPause),
        ("applicationId", AccountPause),
    ],
)
def test_an_invalid_field_is_one_persons_or_everybodys(
    server: Receiver, field: str, outcome: type[Outcome]
) -> None:
    faults = [{"fieldName": field, "description": f"'{field}' {TO} is not valid"}]

    found = refused(server, CHANNEL, error("request-validation", fieldErrors=faults), message_to())

    assert (type(found), found.text) == (outcome, f"'{field}' … is not valid")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 406, 415])
def test_a_refusal_of_the_account_pauses_it(server: Receiver, status: int) -> None:
    answer = told(status, {"status": status, "error": "Not Found"})

    assert type(refused(server, CHANNEL, answer, message_to())) is AccountPause


def test_an_unknown_type_stops_nobody_else(server: Receiver) -> None:
    assert type(refused(server, CHANNEL, error("odd"), message_to())) is Permanent


@pytest.mark.parametrize(("attempts", "after"), [(0, 5), (2, 20)])
def test_a_failure_that_was_received_was_not_sent(
    server: Receiver, attempts: int, after: float
) -> None:
    answer = manners.status(500, b"<html>")

    found = refused(server, CHANNEL, answer, message_to(attempts=attempts))

    assert isinstance(found, Retry)
    assert (found.after, found.slows_down) == (after, False)


def test_a_full_queue_slows_the_inbox_down(server: Receiver) -> None:
    found = refused(server, CHANNEL, error("max-message-queue-size-exceeded", 429), message_to())

    assert isinstance(found, Retry)
    assert (found.after, found.slows_down) == (15, True)


def test_the_request_has_the_form_that_bandwidth_documents(server: Receiver) -> None:
    server.script(PATHS[CHANNEL.name], told(202, {"id": MESSAGE_ID}))

    receipt = send(CHANNEL, account_of(CHANNEL, server.url("")), message_to(text="Grüße 😀"))

    request = server.requests[-1]
    body = json.loads(request.body)
    assert receipt == Receipt(MESSAGE_ID)
    assert set(body) == {"applicationId", "to", "from", "text", "tag"}
    assert isinstance(body["to"], list)
    assert len(body["to"]) == 1
    for number in (*body["to"], body["from"]):
        assert re.fullmatch(r"\+[1-9]\d{6,14}", number)
    assert (body["text"], body["tag"]) == ("Grüße 😀", "4711")
    assert len(body["tag"]) <= 1024
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == basic(known.BANDWIDTH_API_KEY, known.SECRET)


# What Bandwidth tells


def _event(kind: str, **values: Any) -> dict[str, Any]:
    message = {
        "id": MESSAGE_ID,
        "time": "2016-09-14T18:20:16Z",
        "to": [TO],
        "from": known.SENDER,
        "text": "",
        "applicationId": known.BANDWIDTH_APPLICATION_ID,
        "owner": known.SENDER,
        "direction": "out",
        "segmentCount": 1,
        "tag": "4711",
    } | values.pop("message", {})
    return {"type": kind, "time": "2016-09-14T18:20:16Z", "to": TO, "message": message, **values}


def _read(told: Any, authorization: str | None = None) -> list[ProviderEvent]:
    given = basic(known.CALLBACK_USER, known.SECRET) if authorization is None else authorization
    request = CallbackRequest("POST", "", {"authorization": given}, {}, json.dumps(told).encode())
    return list(CHANNEL.read_callback(account_of(CHANNEL, ""), request))


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Bearer x", basic("x", known.SECRET), basic(known.CALLBACK_USER, ""), "ü"],
)
def test_who_does_not_know_the_credentials_is_refused(authorization: str) -> None:
    with pytest.raises(CallbackRefused) as refusal:
        _read([], authorization)

    assert refusal.value.status == 401


def test_events_come_in_a_list() -> None:
    events = _read([_event("message-delivered"), _event("message-sent"), _event("message-read")])

    assert [event.kind for event in events] == [
        EventKind.DELIVERED,
        EventKind.SENT,
        EventKind.READ,
    ]
    assert {event.delivery_id for event in events} == {"4711"}
    assert {event.provider_message_id for event in events} == {MESSAGE_ID}
    assert events[0].at == datetime(2016, 9, 14, 18, 20, 16, tzinfo=UTC)
    assert len({event.key for event in events}) == 3


@pytest.mark.parametrize("kind", ["message-sending", "a new kind"])
def test_an_event_that_says_nothing_new_is_passed_over(kind: str) -> None:
    assert _read([_event(kind)]) == []


@pytest.mark.parametrize(("code", "kind"), TOLD.items())
def test_a_failure_says_why(code: str, kind: type[Outcome]) -> None:
    told = _event("message-failed", errorCode=int(code), description=f"no {TO}")

    first, *rest = _read([told])

    assert (first.kind, first.code, first.text) == (
        EventKind.UNKNOWN if kind is Unknown else EventKind.FAILED,
        code,
        RECEIPTS[code].meaning,
    )
    assert [event.kind for event in rest] == [EventKind.OPTED_OUT] * (kind is Suppress)


def test_an_unknown_failure_is_told_without_the_number() -> None:
    [event] = _read([_event("message-failed", errorCode=4999, description=f"odd {TO}")])

    assert (event.code, event.text) == ("4999", "odd …")


def test_a_reply_is_told() -> None:
    message = {"direction": "in", "from": TO, "to": [known.SENDER], "text": "Stop"}

    [event] = _read([_event("message-received", to=known.SENDER, message=message)])

    assert (event.kind, event.address, event.text) == (EventKind.REPLIED, TO, "Stop")


@pytest.mark.parametrize(
    "odd",
    [
        *({}, "x", None, {"type": "message-sent"}, {"type": "message-sent", "message": {}}),
        *(
            {"type": "call-ended", "callId": "c"},
            {"type": ["message-sent"], "message": {"id": "m"}},
        ),
        {"type": "message-sent", "message": {"id": 7}},
    ],
)
def test_an_event_that_is_not_understood_takes_no_other_with_it(odd: Any) -> None:
    events = _read([_event("message-sent"), odd, _event("message-delivered")])

    assert [event.kind for event in events] == [EventKind.SENT, EventKind.DELIVERED]


@pytest.mark.parametrize("told", [{}, "x", None, 7])
def test_what_is_no_list_of_events_is_not_understood(told: Any) -> None:
    with pytest.raises(ValueError, match="not a list"):
        _read(told)


# Asking Bandwidth


def _listed(**values: Any) -> dict[str, Any]:
    return {
        "messageId": MESSAGE_ID,
        "sourceTn": known.SENDER,
        "destinationTn": TO,
        "messageDirection": "OUTBOUND",
        **values,
    }


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ([_listed()], Receipt(MESSAGE_ID)),
        ([], None),
        ([_listed(messageDirection="INBOUND")], None),
        ([_listed(destinationTn="+1")], None),
    ],
)
def test_a_message_is_found_again(
    server: Receiver, messages: list[dict[str, Any]], found: Receipt | None
) -> None:
    server.script(PATHS[CHANNEL.name], told(200, {"messages": messages}))

    assert look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), SINCE) == found
    assert "fromDateTime=2026-11-24T11:58:00.000Z" in server.requests[-1].path


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("UNDELIVERED", 4720, EventKind.FAILED),
        ("FAILED", 4720, EventKind.FAILED),
        ("DELIVERED", None, EventKind.DELIVERED),
    ],
)
def test_what_became_of_a_message_is_found_with_it(
    server: Receiver, status: str, code: int | None, kind: EventKind
) -> None:
    listed = _listed(messageStatus=status, errorCode=code)
    server.script(PATHS[CHANNEL.name], told(200, {"messages": [listed]}))

    found = look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), SINCE)

    event = found.event if found else None
    assert event is not None
    assert (event.kind, event.code) == (kind, str(code) if code else None)
    assert bool(event.text) == bool(code)


def test_of_two_messages_it_cannot_be_told_which(server: Receiver) -> None:
    server.script(PATHS[CHANNEL.name], told(200, {"messages": [_listed(), _listed()]}))

    with pytest.raises(Unknown):
        look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), SINCE)


def test_the_account_is_checked_without_sending(server: Receiver) -> None:
    account = account_of(CHANNEL, server.url(""))
    server.script(PATHS[CHANNEL.name], told(200, {"messages": []}))

    assert run(lambda http: CHANNEL.check(http, account)) == known.SENDER

    server.script(PATHS[CHANNEL.name], error("unauthorized", 401))
    with pytest.raises(AccountPause):
        run(lambda http: CHANNEL.check(http, account))


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "soon", None]
)
def test_an_odd_time_takes_no_other_event_with_it(time: Any) -> None:
    odd = _event("message-delivered") | {"time": time}

    events = _read([odd, _event("message-delivered")])

    assert [one.at is None for one in events] == [True, False]
