"""Twilio's requests, codes, look-up and callbacks, as its own library and documents have them."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import pytest
from twilio.http import HttpClient as TwilioTransport
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from campaigns_app.channels.asking import LONGEST_TEXT, basic
from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    CallbackRefused,
    CallbackRequest,
    EventKind,
    Outcome,
    Permanent,
    Receipt,
    Retry,
    Suppress,
    Unknown,
)
from campaigns_app.channels.twilio_callbacks import sign
from campaigns_app.channels.twilio_codes import ANSWERS, RECEIPTS
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.operations.simulator import credentials as known
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

CHANNEL = TwilioSmsChannel()
SID = "SM" + "b" * 32
CALLBACK = "https://app.example/callbacks/t"
TAKEN = told(201, {"sid": SID, "status": "queued", "error_code": None})

ANSWERED: dict[str, type[Outcome]] = {
    **dict.fromkeys(("20003", "20404", "21606", "21212"), AccountPause),
    **dict.fromkeys(("20429", "21611", "14107"), Retry),
    "21610": Suppress,
    **dict.fromkeys(
        ("21211", "21408", "21602", "21619", "21608", "21612", "21614", "21635", "21617", "21658"),
        Permanent,
    ),
}
TOLD: dict[str, type[Outcome]] = {
    **dict.fromkeys(("30001", "30003"), Retry),
    **dict.fromkeys(("30004", "30005", "30006"), Permanent),
    **dict.fromkeys(("30007", "30034"), AccountPause),
    "30008": Unknown,
}


def error(code: int, status: int = 400, **headers: str) -> Any:
    """Twilio's refusal of a request."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": "no", "more_info": more, "status": status}
    return told(status, body, **headers)


@pytest.mark.parametrize(("code", "kind"), ANSWERED.items())
def test_a_refusal_is_understood_by_its_code(
    server: Receiver, code: str, kind: type[Outcome]
) -> None:
    # 418: the status says nothing.
    outcome = refused(server, CHANNEL, error(int(code), 418), message_to())

    assert (type(outcome), outcome.code) == (kind, code)
    assert outcome.text == ANSWERS[code].meaning


def test_every_row_of_the_tables_is_tested() -> None:
    assert set(ANSWERED) == set(ANSWERS)
    assert {code: verdict.kind for code, verdict in RECEIPTS.items()} == TOLD


@pytest.mark.parametrize(
    ("code", "attempts", "after", "slows_down"),
    [
        *((20429, 0, 0.1, True), (20429, 3, 0.8, True), (20429, 9999, 30, True)),
        *((21611, 0, 900, True), (21611, 4, 900, True), (14107, 1, 30, False)),
    ],
)
def test_it_is_tried_again_after_a_time(
    server: Receiver, code: int, attempts: int, after: float, slows_down: bool
) -> None:
    outcome = refused(server, CHANNEL, error(code), message_to(attempts=attempts))

    assert isinstance(outcome, Retry)
    assert outcome.after == pytest.approx(after)
    assert outcome.slows_down is slows_down


def test_what_twilio_asks_to_wait_counts_more(server: Receiver) -> None:
    outcome = refused(server, CHANNEL, error(20429, 429, Retry_After="17"), message_to())

    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.slows_down) == (17, True)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [(99999, 400, Permanent), (99999, 403, AccountPause), (20500, 500, Unknown)],
)
def test_an_unknown_code_stops_nobody_else(
    server: Receiver, code: int, status: int, kind: type[Outcome]
) -> None:
    assert type(refused(server, CHANNEL, error(code, status), message_to())) is kind


class Recorder(TwilioTransport):
    """The official library's way out, which keeps the request."""

    def __init__(self) -> None:
        self.request_made: dict[str, Any] = {}

    def request(self, method: str, url: str, **values: Any) -> Response:
        self.request_made = {"method": method, "url": url, **values}
        return Response(201, json.dumps({"sid": SID}))


@pytest.mark.parametrize("by_key", [False, True], ids=["token", "API key"])
@pytest.mark.parametrize("service", [False, True], ids=["number", "messaging service"])
def test_the_request_is_that_of_the_official_library(
    server: Receiver, by_key: bool, service: bool
) -> None:
    account = _account(server, by_key=by_key, service=service)
    server.script(PATHS[CHANNEL.name], TAKEN)
    recorder = Recorder()
    user = known.API_KEY_SID if by_key else known.ACCOUNT_SID
    official = Client(user, known.SECRET, known.ACCOUNT_SID, http_client=recorder)
    sender: dict[str, str] = (
        {"messaging_service_sid": known.MESSAGING_SERVICE_SID}
        if service
        else {"from_": known.SENDER}
    )

    receipt = send(CHANNEL, account, message_to(text="Grüße & 1+1=2 😀"))
    official.messages.create(
        to=TO,
        body="Grüße & 1+1=2 😀",
        validity_period=3600,
        status_callback=f"{CALLBACK}?d=4711",
        **sender,
    )

    ours, theirs = server.requests[-1], recorder.request_made
    assert receipt == Receipt(SID)
    assert theirs["url"] == f"https://api.twilio.com{ours.path}"
    assert dict(parse_qsl(ours.body.decode())) == {
        name: str(value) for name, value in theirs["data"].items()
    }
    assert ours.headers["Authorization"] == basic(*theirs["auth"])
    assert ours.headers["Content-Type"] == theirs["headers"]["Content-Type"]


def _account(server: Receiver, *, by_key: bool = False, service: bool = False) -> Account:
    account = account_of(CHANNEL, server.url(""))
    settings, secrets = dict(account.settings), dict(account.secrets)
    if by_key:
        settings["api_key_sid"] = known.API_KEY_SID
        secrets["api_key_secret"] = known.SECRET
    if service:
        del settings["phone_number"]
        settings["messaging_service_sid"] = known.MESSAGING_SERVICE_SID
    return Account(settings, secrets, account.callback_url, account.base_url)


def test_the_request_has_the_form_that_twilio_documents(server: Receiver) -> None:
    server.script(PATHS[CHANNEL.name], TAKEN)

    send(CHANNEL, account_of(CHANNEL, server.url("")), message_to())

    form = parse_qs(server.requests[-1].body.decode(), strict_parsing=True)
    patterns = {
        "To": r"\+[1-9]\d{6,14}",
        "From": r"\+[1-9]\d{6,14}",
        "Body": r".{1,1600}",
        "ValidityPeriod": r"([1-9]\d{0,3}|[12]\d{4}|3[0-5]\d{3}|36000)",
        "StatusCallback": r"https?://[^_/]+/.*",
    }
    assert set(form) == set(patterns)
    for name, pattern in patterns.items():
        assert len(form[name]) == 1
        assert re.fullmatch(pattern, form[name][0]), name


def test_without_the_auth_token_no_receipts_are_asked_for(server: Receiver) -> None:
    account = _account(server, by_key=True)
    bare = Account(
        account.settings, {"api_key_secret": known.SECRET}, account.callback_url, account.base_url
    )
    server.script(PATHS[CHANNEL.name], TAKEN)

    send(CHANNEL, bare, message_to())

    assert "StatusCallback" not in parse_qs(server.requests[-1].body.decode())


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"auth_token": "x", "phone_number": "+14155550100"}, []),
        ({"api_key_sid": "x", "api_key_secret": "x", "messaging_service_sid": "MG"}, []),
        ({"auth_token": "x"}, ["phone_number"]),
        ({"auth_token": "x", "phone_number": "0800 FLOWERS"}, ["phone_number"]),
        (
            {"auth_token": "x", "phone_number": "+14155550100", "messaging_service_sid": "MG"},
            ["phone_number"],
        ),
        ({"phone_number": "+14155550100"}, ["auth_token"]),
        ({"api_key_sid": "x", "phone_number": "+14155550100"}, ["api_key_secret"]),
    ],
)
def test_one_sender_and_one_way_to_log_in(values: dict[str, str], fields: list[str]) -> None:
    assert [field for field, _ in CHANNEL.faults(values)] == fields


# What Twilio tells


def test_the_signature_is_that_of_the_documents() -> None:
    ours, sms = "AC" + "a" * 32, "SM" + "b" * 32
    parameters = {
        "AccountSid": ours,
        "ApiVersion": "2010-04-01",
        "ErrorCode": "30007",
        "From": "+15557122661",
        "MessageSid": sms,
        "MessageStatus": "undelivered",
        "SmsSid": sms,
        "SmsStatus": "undelivered",
        "To": "+15558675310",
    }
    url = "https://app.example.com/providers/twilio/status?d=42"

    signature = sign("12345", url, list(parameters.items()))

    assert signature == "4JASZYVrdP6LNHFPGo4RorMM0qg="
    assert RequestValidator("12345").validate(url, parameters, signature)


@pytest.mark.parametrize(
    "signed_url",
    [f"{CALLBACK}?d=1", "https://app.example:443/callbacks/t?d=1"],
    ids=["as it is", "with its port"],
)
def test_what_the_official_library_signs_is_believed(signed_url: str) -> None:
    form = {"MessageSid": SID, "MessageStatus": "delivered", "To": TO, "Ü": "ß &+"}
    signature = RequestValidator(known.SECRET).compute_signature(signed_url, form)

    [event] = CHANNEL.read_callback(_told_account(), _callback(form, signature, d="1"))

    assert (event.kind, event.delivery_id) == (EventKind.DELIVERED, "1")


@pytest.mark.parametrize("signature", [None, "", "x", "4JASZYVrdP6LNHFPGo4RorMM0qg=", "ü"])
def test_what_is_not_signed_is_refused(signature: str | None) -> None:
    with pytest.raises(CallbackRefused) as refusal:
        CHANNEL.read_callback(_told_account(), _callback({"MessageSid": SID}, signature))

    assert refusal.value.status == 403


def test_nothing_is_believed_without_the_auth_token() -> None:
    form = {"MessageSid": SID, "MessageStatus": "sent"}
    nobody = Account({}, {}, CALLBACK)

    with pytest.raises(CallbackRefused):
        CHANNEL.read_callback(nobody, _callback(form, sign("", CALLBACK, list(form.items()))))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("sent", EventKind.SENT),
        ("delivered", EventKind.DELIVERED),
        ("read", EventKind.READ),
        ("failed", EventKind.FAILED),
        ("undelivered", EventKind.FAILED),
    ],
)
def test_a_status_is_told_with_both_ids(status: str, kind: EventKind) -> None:
    [event] = _events({"MessageSid": SID, "MessageStatus": status, "To": TO}, d="4711")

    assert (event.kind, event.delivery_id, event.provider_message_id) == (kind, "4711", SID)
    assert event.key == f"{SID}:{status}"


@pytest.mark.parametrize("status", ["queued", "accepted", "sending", "scheduled", "new one"])
def test_a_status_that_says_nothing_new_is_passed_over(status: str) -> None:
    assert _events({"MessageSid": SID, "MessageStatus": status}) == []


@pytest.mark.parametrize("code", TOLD)
def test_a_failure_says_why(code: str) -> None:
    form = {"MessageSid": SID, "MessageStatus": "undelivered", "ErrorCode": code, "To": TO}

    [event] = _events(form)

    assert (event.code, event.text) == (code, RECEIPTS[code].meaning)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"ErrorMessage": f"Odd\n {TO}"}, "Odd …"),
        ({"ErrorMessage": "x" * 5000}, "x" * LONGEST_TEXT),
        ({"ErrorMessage": " "}, "error 30999"),
        ({}, "error 30999"),
    ],
    ids=["words with a number", "many words", "blank", "none"],
)
def test_an_unknown_failure_is_told_in_twilios_words_or_by_its_code(
    more: dict[str, str], text: str
) -> None:
    form = {"MessageSid": SID, "MessageStatus": "undelivered", "ErrorCode": "30999", **more}

    [event] = _events(form)

    assert (event.code, event.text) == ("30999", text)


def test_an_opt_out_that_comes_as_a_failure_is_one() -> None:
    form = {"MessageSid": SID, "MessageStatus": "failed", "ErrorCode": "21610", "To": TO}

    failed, out = _events(form)

    assert failed.kind is EventKind.FAILED
    assert (out.kind, out.address) == (EventKind.OPTED_OUT, TO)


@pytest.mark.parametrize(
    ("more", "kinds"),
    [
        ({}, [EventKind.REPLIED]),
        ({"OptOutType": "STOP"}, [EventKind.REPLIED, EventKind.OPTED_OUT]),
        ({"OptOutType": "START"}, [EventKind.REPLIED, EventKind.OPTED_IN]),
        ({"OptOutType": "HELP"}, [EventKind.REPLIED]),
    ],
)
def test_a_reply_is_told_with_what_it_wishes(more: dict[str, str], kinds: list[EventKind]) -> None:
    form = {"MessageSid": SID, "SmsStatus": "received", "From": TO, "Body": "Stop", **more}

    events = _events(form)

    assert [event.kind for event in events] == kinds
    assert {event.address for event in events} == {TO}
    assert events[0].text == "Stop"


def test_a_callback_about_nothing_is_not_understood() -> None:
    with pytest.raises(ValueError, match="no MessageSid"):
        _events({"MessageStatus": "sent"})


def _told_account() -> Account:
    return Account({}, {"auth_token": known.SECRET}, CALLBACK)


def _callback(form: dict[str, str], signature: str | None, d: str | None = None) -> CallbackRequest:
    url = CALLBACK if d is None else f"{CALLBACK}?d={d}"
    headers = {} if signature is None else {"x-twilio-signature": signature}
    query = {} if d is None else {"d": d}
    return CallbackRequest("POST", url, headers, query, urlencode(form).encode())


def _events(form: dict[str, str], d: str | None = None) -> Any:
    url = CALLBACK if d is None else f"{CALLBACK}?d={d}"
    signature = sign(known.SECRET, url, list(form.items()))
    return CHANNEL.read_callback(_told_account(), _callback(form, signature, d))


# Asking Twilio


def _listed(**values: Any) -> dict[str, Any]:
    return {
        "sid": SID,
        "to": TO,
        "from": known.SENDER,
        "body": "Hello",
        "direction": "outbound-api",
        "date_created": "Tue, 24 Nov 2026 12:00:00 +0000",
        **values,
    }


SINCE = datetime(2026, 11, 24, 11, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ([_listed()], Receipt(SID)),
        ([], None),
        ([_listed(body="Other")], None),
        ([_listed(**{"from": "+15005550001"})], None),
        ([_listed(direction="inbound")], None),
        ([_listed(date_created="Tue, 24 Nov 2026 10:00:00 +0000")], None),
        ([_listed(body="Other"), _listed()], Receipt(SID)),
        # Without a time it can still be told by its text.
        ([_listed(date_created=None)], Receipt(SID)),
    ],
)
def test_a_message_is_found_again(
    server: Receiver, messages: list[dict[str, Any]], found: Receipt | None
) -> None:
    server.script(PATHS[CHANNEL.name], told(200, {"messages": messages}))

    assert look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), SINCE) == found


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("undelivered", 30005, EventKind.FAILED),
        ("failed", 30005, EventKind.FAILED),
        ("delivered", None, EventKind.DELIVERED),
        ("read", None, EventKind.READ),
    ],
)
def test_what_became_of_a_message_is_found_with_it(
    server: Receiver, status: str, code: int | None, kind: EventKind
) -> None:
    updated = "Tue, 24 Nov 2026 12:00:07 +0000"
    listed = _listed(status=status, error_code=code, date_updated=updated)
    server.script(PATHS[CHANNEL.name], told(200, {"messages": [listed]}))

    found = look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), SINCE)

    event = found.event if found else None
    assert event is not None
    assert (event.kind, event.code) == (kind, str(code) if code else None)
    assert event.text == ("the number is unknown or not in use" if code else "")
    assert event.at == datetime(2026, 11, 24, 12, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize("status", ["queued", "accepted", "sending"])
def test_a_message_that_is_on_its_way_was_taken(server: Receiver, status: str) -> None:
    server.script(PATHS[CHANNEL.name], told(200, {"messages": [_listed(status=status)]}))

    found = look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), SINCE)

    assert found == Receipt(SID)


@pytest.mark.parametrize("messages", [[_listed(), _listed()], [_listed(body="")]])
def test_what_cannot_be_told_stays_unknown(
    server: Receiver, messages: list[dict[str, Any]]
) -> None:
    server.script(PATHS[CHANNEL.name], told(200, {"messages": messages}))

    with pytest.raises(Unknown):
        look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), SINCE)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(error(20003, 401), AccountPause), (told(200, {}), Unknown), (error(20429, 429), Retry)],
)
def test_a_look_up_that_fails_says_nothing(
    server: Receiver, answer: Any, kind: type[Outcome]
) -> None:
    server.script(PATHS[CHANNEL.name], answer)

    with pytest.raises(kind):
        look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), SINCE)


def test_the_account_is_checked_without_sending(server: Receiver) -> None:
    path = f"/2010-04-01/Accounts/{known.ACCOUNT_SID}.json"
    server.script(path, told(200, {"friendly_name": "Shop", "status": "active"}))

    assert run(lambda http: CHANNEL.check(http, account_of(CHANNEL, server.url("")))) == "Shop"

    server.script(path, told(200, {"friendly_name": "Shop", "status": "suspended"}))
    with pytest.raises(AccountPause, match="suspended"):
        run(lambda http: CHANNEL.check(http, account_of(CHANNEL, server.url(""))))


def test_an_api_key_is_checked_by_what_it_may_do(server: Receiver) -> None:
    account = _account(server, by_key=True)
    server.script(PATHS[CHANNEL.name], told(200, {"messages": []}))

    assert run(lambda http: CHANNEL.check(http, account)) == known.ACCOUNT_SID


def test_a_text_counts_by_its_segments() -> None:
    assert (CHANNEL.units("a" * 160), CHANNEL.units("a" * 161), CHANNEL.units("ł" * 71)) == (
        1,
        2,
        2,
    )


def test_a_recent_message_is_one_of_the_last_minutes(server: Receiver) -> None:
    slow_clock = SINCE + timedelta(minutes=2)
    server.script(PATHS[CHANNEL.name], told(200, {"messages": [_listed()]}))

    found = look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), slow_clock)

    assert found == Receipt(SID)
