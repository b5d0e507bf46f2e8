"""WhatsApp's requests, components, codes, templates and callbacks."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    CallbackRefused,
    CallbackRequest,
    CampaignPause,
    EventKind,
    Outcome,
    Permanent,
    ProviderEvent,
    Receipt,
    Retry,
    Suppress,
    Unknown,
)
from campaigns_app.channels.whatsapp import WhatsappChannel
from campaigns_app.channels.whatsapp_callbacks import sign
from campaigns_app.channels.whatsapp_codes import VERDICTS
from campaigns_app.channels.whatsapp_components import components_of
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

CHANNEL = WhatsappChannel()
WAMID = "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI"

CODES: dict[str, type[Outcome]] = {
    code: kind
    for kind, codes in {
        AccountPause: "0 190 3 10 368 131031 130497 131048 131042 "
        + " ".join(map(str, range(200, 300))),
        CampaignPause: "132000 132001 132005 132007 132012 132015 132016",
        Retry: "4 80007 130429 131056 1 2 131000 131016 131057 133004",
        Suppress: "131050",
        Permanent: "131049 130472 131026 131047 131051 131008 131009 100 33 131021 131053 131052",
    }.items()
    for code in codes.split()
}


def error(code: int, status: int = 400, **more: Any) -> Any:
    """Meta's refusal of a request."""
    data = {"messaging_product": "whatsapp", "details": f"no {TO}"}
    body = {"message": f"(#{code}) no", "type": "OAuthException", "code": code, "error_data": data}
    return told(status, {"error": body | more})


@pytest.mark.parametrize(("code", "kind"), CODES.items())
def test_a_refusal_is_understood_by_its_code(
    server: Receiver, code: str, kind: type[Outcome]
) -> None:
    # 418: the status says nothing.
    outcome = refused(server, CHANNEL, error(int(code), 418), message_to())

    assert (type(outcome), outcome.code, outcome.text) == (kind, code, VERDICTS[code].meaning)


def test_every_row_of_the_table_is_tested() -> None:
    assert set(CODES) == set(VERDICTS)


@pytest.mark.parametrize(
    ("code", "attempts", "after", "slows_down"),
    [
        *((131056, 0, 1, False), (131056, 1, 4, False), (131056, 3, 64, False)),
        *((130429, 0, 2, True), (80007, 1, 8, True), (4, 9, 3600, True), (131000, 0, 5, False)),
    ],
)
def test_it_is_tried_again_after_a_time(
    server: Receiver, code: int, attempts: int, after: float, slows_down: bool
) -> None:
    outcome = refused(server, CHANNEL, error(code), message_to(attempts=attempts))

    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.slows_down) == (after, slows_down)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(99999), Permanent),
        (error(99999, 401), AccountPause),
        (error(99999, 500), Unknown),
        (error(99999, 500, is_transient=True), Retry),
        (error(99999, 200), Permanent),
        (told(200, {"messages": [{"id": WAMID}], "error": {"code": 131026}}), Permanent),
    ],
)
def test_an_unknown_code_stops_nobody_else(
    server: Receiver, answer: Any, kind: type[Outcome]
) -> None:
    outcome = refused(server, CHANNEL, answer, message_to())

    assert type(outcome) is kind
    assert TO not in outcome.text


def test_the_request_has_the_form_that_meta_documents(server: Receiver) -> None:
    contact = {"input": TO, "wa_id": TO[1:]}
    answer = {"contacts": [contact], "messages": [{"id": WAMID, "message_status": "accepted"}]}
    server.script(PATHS[CHANNEL.name], told(200, {"messaging_product": "whatsapp", **answer}))

    receipt = send(CHANNEL, account_of(CHANNEL, server.url("")), message_to())

    request = server.requests[-1]
    body = json.loads(request.body)
    assert receipt == Receipt(WAMID)
    assert request.headers["Authorization"] == f"Bearer {known.SECRET}"
    assert request.headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"\+?[1-9]\d{6,14}", body.pop("to"))
    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "type": "template",
        "biz_opaque_callback_data": "4711",
        "template": {
            "name": "summer_sale",
            "language": {"policy": "deterministic", "code": "en_US"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}],
        },
    }


def test_the_components_are_those_of_the_documents() -> None:
    processed = {
        "header": {"media_url": "https://x.example/a.pdf", "media_type": "document"}
        | {"media_name": "a.pdf"},
        "body": {"2": "tomorrow", "1": "Pablo", "10": "last"},
        "footer": {},
        "buttons": [
            {"type": "quick_reply", "parameter": "STOP"},
            {"type": "url", "parameter": "abc"},
            {"type": "copy_code", "parameter": "A" * 15},
        ],
    }

    document = {"link": "https://x.example/a.pdf", "filename": "a.pdf"}
    button = {"type": "button"}
    assert components_of(processed) == [
        {"type": "header", "parameters": [{"type": "document", "document": document}]},
        {
            "type": "body",
            "parameters": [
                {"type": "text", "text": text} for text in ("Pablo", "tomorrow", "last")
            ],
        },
        button
        | {"sub_type": "quick_reply", "index": "0"}
        | {"parameters": [{"type": "payload", "payload": "STOP"}]},
        button
        | {"sub_type": "url", "index": "1"}
        | {"parameters": [{"type": "text", "text": "abc"}]},
        button
        | {"sub_type": "copy_code", "index": "2"}
        | {"parameters": [{"type": "coupon_code", "coupon_code": "A" * 15}]},
    ]


@pytest.mark.parametrize(
    ("processed", "components"),
    [
        (None, []),
        ({}, []),
        ({"body": {}}, []),
        (
            {"first_name": " Ana\n B "},
            [{"type": "text", "parameter_name": "first_name", "text": "Ana B"}],
        ),
        (["Ana", 5], [{"type": "text", "text": "Ana"}, {"type": "text", "text": "5"}]),
        ({"body": {"1": "x" * 1000}}, [{"type": "text", "text": "x" * 1000}]),
    ],
)
def test_a_body_may_be_written_shortly(processed: Any, components: Any) -> None:
    body = [{"type": "body", "parameters": components}] if components else []

    assert components_of(processed) == body


@pytest.mark.parametrize(
    ("processed", "longest"),
    [
        ({"body": {"1": "x" * 1001}}, 1000),
        ({"header": {"media_url": f"https://x.example/{'x' * 2000}"}}, 2000),
        ({"buttons": [{"type": "copy_code", "parameter": "A" * 16}]}, 15),
    ],
)
def test_half_a_value_is_not_sent(processed: Any, longest: int) -> None:
    with pytest.raises(Permanent, match=f"maximum is {longest} characters"):
        components_of(processed)


def test_a_header_of_text_and_one_of_a_picture() -> None:
    text = {"header": {"1": "Sale"}}
    picture = {"header": {"media_url": "https://x.example/a.png", "media_type": "IMAGE"}}

    assert components_of(text)[0]["parameters"] == [{"type": "text", "text": "Sale"}]
    image = {"type": "image", "image": {"link": "https://x.example/a.png"}}
    assert components_of(picture)[0]["parameters"] == [image]


@pytest.mark.parametrize(
    "template",
    [
        None,
        {"name": "x"},
        {"name": "x", "language": "en", "processed_params": {"1": " "}},
        {"name": "x", "language": "en", "processed_params": {"1": None}},
        {
            "name": "x",
            "language": "en",
            "processed_params": {"header": {"media_url": "x", "media_type": "smell"}},
        },
    ],
)
def test_what_cannot_be_a_template_is_not_sent(server: Receiver, template: Any) -> None:
    message = message_to()
    before = len(server.requests)

    with pytest.raises(Permanent):
        send(
            CHANNEL,
            account_of(CHANNEL, server.url("")),
            type(message)("1", TO, "", template),
        )

    assert len(server.requests) == before


# What Meta tells


def test_the_signature_is_that_of_the_documents() -> None:
    signature = "sha256=ee9f05f989bc0aa2693d85691a477f8b8403933cde7959a1c5c6be7ea85e8d3d"
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    account = Account({}, {"app_secret": "meta-app-secret"}, "")

    assert sign("meta-app-secret", body) == signature
    request = CallbackRequest("POST", "", {"x-hub-signature-256": signature}, {}, body)
    assert CHANNEL.read_callback(account, request) == []


@pytest.mark.parametrize("signature", ["", "sha256=", "x", "sha256=" + "0" * 64, "ü"])
def test_what_is_not_signed_is_refused(signature: str) -> None:
    request = CallbackRequest("POST", "", {"x-hub-signature-256": signature}, {}, b"{}")

    for account in (account_of(CHANNEL, ""), Account({}, {}, "")):
        with pytest.raises(CallbackRefused) as refusal:
            CHANNEL.read_callback(account, request)
        assert refusal.value.status == 403


def _verify(**query: str) -> str:
    named = {f"hub.{name}": value for name, value in query.items()}
    request = CallbackRequest("GET", "", {}, named, b"")
    return CHANNEL.answer_verification(account_of(CHANNEL, ""), request)


def test_the_challenge_is_answered_to_who_knows_the_token() -> None:
    assert _verify(mode="subscribe", challenge="1158", verify_token=known.SECRET) == "1158"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"mode": "subscribe", "challenge": "1"},
        {"mode": "subscribe", "challenge": "1", "verify_token": "wrong"},
        {"mode": "unsubscribe", "challenge": "1", "verify_token": known.SECRET},
    ],
)
def test_who_does_not_know_the_token_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(CallbackRefused) as refusal:
        _verify(**query)

    assert refusal.value.status == 403


def _read(**value: Any) -> list[ProviderEvent]:
    told = {"metadata": {"phone_number_id": known.PHONE_NUMBER_ID}, **value}
    return _read_entry({"id": "1", "changes": [{"field": "messages", "value": told}]})


def _read_entry(entry: Any) -> list[ProviderEvent]:
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    headers = {"x-hub-signature-256": sign(known.SECRET, body)}
    request = CallbackRequest("POST", "", headers, {}, body)
    return list(CHANNEL.read_callback(account_of(CHANNEL, ""), request))


def _status(status: str, **values: Any) -> dict[str, Any]:
    return {
        "id": WAMID,
        "status": status,
        "timestamp": "1750030073",
        "recipient_id": TO[1:],
        **values,
    }


@pytest.mark.parametrize("status", ["sent", "delivered", "read"])
def test_a_status_is_told_with_both_ids(status: str) -> None:
    [event] = _read(statuses=[_status(status, biz_opaque_callback_data="4711")])

    assert (event.kind, event.delivery_id) == (EventKind(status), "4711")
    assert (event.provider_message_id, event.address) == (WAMID, TO)
    assert event.at == datetime(2025, 6, 15, 23, 27, 53, tzinfo=UTC)


def test_all_statuses_of_a_callback_are_read() -> None:
    events = _read(statuses=[_status("sent"), _status("delivered"), _status("held")])

    assert [event.kind for event in events] == [EventKind.SENT, EventKind.DELIVERED]


@pytest.mark.parametrize(("code", "kind"), CODES.items())
def test_a_failure_says_why(code: str, kind: type[Outcome]) -> None:
    errors = [{"code": int(code), "title": "no", "error_data": {"details": f"no {TO}"}}]

    first, *rest = _read(statuses=[_status("failed", errors=errors)])

    assert (first.kind, first.code, first.text) == (
        EventKind.FAILED,
        code,
        VERDICTS[code].meaning,
    )
    assert [event.kind for event in rest] == [EventKind.OPTED_OUT] * (kind is Suppress)


def test_an_opt_out_is_told_of_the_message_that_was_refused() -> None:
    refused = _status("failed", errors=[{"code": 131050}], biz_opaque_callback_data="4711")

    [_, out] = _read(statuses=[refused])

    assert (out.kind, out.delivery_id, out.provider_message_id, out.address) == (
        EventKind.OPTED_OUT,
        "4711",
        WAMID,
        TO,
    )


def test_a_reply_is_told() -> None:
    message = {"from": TO[1:], "id": "wamid.2", "timestamp": "1750030073"}

    events = _read(
        messages=[
            message | {"type": "text", "text": {"body": "Stop"}},
            message | {"type": "button", "button": {"payload": "P", "text": "Stop promotions"}},
            message | {"type": "image"},
        ]
    )

    assert [event.text for event in events] == ["Stop", "Stop promotions", ""]
    assert {(event.kind, event.address) for event in events} == {(EventKind.REPLIED, TO)}


@pytest.mark.parametrize(
    ("payload", "kinds"),
    [
        ("STOP", [EventKind.REPLIED, EventKind.OPTED_OUT]),
        # Nobody takes back a STOP by what they do not see.
        ("start", [EventKind.REPLIED]),
        ("STOP_1", [EventKind.REPLIED]),
        (None, [EventKind.REPLIED]),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        lambda payload, text: {"button": {"payload": payload, "text": text}},
        lambda payload, text: {"interactive": {"button_reply": {"id": payload, "title": text}}},
        lambda payload, text: {"interactive": {"list_reply": {"id": payload, "title": text}}},
    ],
    ids=["button", "reply button", "list"],
)
def test_what_a_button_means_counts_beside_its_text(
    answer: Callable[[Any, str], Any], payload: str | None, kinds: list[EventKind]
) -> None:
    message = {"from": TO[1:], "id": "wamid.2", "timestamp": "1750030073"}

    events = _read(messages=[message | answer(payload, "No more please")])

    assert [event.kind for event in events] == kinds
    assert {(event.address, event.text) for event in events} == {(TO, "No more please")}
    assert len({event.key for event in events}) == len(kinds)


def test_a_wish_about_marketing_is_told() -> None:
    wish = {"wa_id": TO[1:], "category": "marketing_messages", "timestamp": 1750030073}

    events = _read(user_preferences=[wish | {"value": "stop"}, wish | {"value": "resume"}])

    assert [event.kind for event in events] == [EventKind.OPTED_OUT, EventKind.OPTED_IN]


def test_another_number_of_the_same_app_is_passed_over() -> None:
    assert _read(metadata={"phone_number_id": "other"}, statuses=[_status("sent")]) == []


NEWS = {
    "event": "PAUSED",
    "message_template_id": 594425479261596,
    "message_template_name": "summer_sale",
    "message_template_language": "en-US",
    "reason": "Low quality",
}


def _read_news(account_id: str = known.BUSINESS_ACCOUNT_ID, **values: Any) -> list[ProviderEvent]:
    change = {"field": "message_template_status_update", "value": NEWS | values}
    return _read_entry({"id": account_id, "time": 1750030073, "changes": [change]})


@pytest.mark.parametrize(
    ("told", "status"),
    [("PAUSED", "PAUSED"), ("REINSTATED", "APPROVED"), ("DISABLED", "DISABLED"), ("FLAGGED", None)],
)
def test_what_becomes_of_a_template_is_told(told: str, status: str | None) -> None:
    [event] = _read_news(event=told)

    assert (event.kind, event.code, event.text) == (
        *(EventKind.TEMPLATE_CHANGED, status),
        "Low quality",
    )
    assert (event.template_name, event.template_language) == ("summer_sale", "en_US")
    assert event.at == datetime(2025, 6, 15, 23, 27, 53, tzinfo=UTC)


def test_what_is_told_of_templates_twice_is_one_thing_and_later_another() -> None:
    first, again, other = (_read_news(event=one)[0].key for one in ("PAUSED", "PAUSED", "APPROVED"))

    assert first == again != other


def test_news_of_another_business_or_of_no_template_are_passed_over() -> None:
    assert _read_news("another") == _read_news(message_template_name=None) == []


# Asking Meta


def test_there_is_nothing_to_look_up(server: Receiver) -> None:
    with pytest.raises(Unknown):
        look_up(CHANNEL, account_of(CHANNEL, server.url("")), message_to(), datetime.now(UTC))


def test_the_account_is_checked_without_sending(server: Receiver) -> None:
    account = account_of(CHANNEL, server.url(""))
    number = {"verified_name": "Shop", "display_phone_number": "+1 415 555 0100"}
    path = f"/v23.0/{known.PHONE_NUMBER_ID}"
    server.script(path, told(200, number))

    assert run(lambda http: CHANNEL.check(http, account)) == "Shop · +1 415 555 0100"

    server.script(path, error(190, 401))
    with pytest.raises(AccountPause):
        run(lambda http: CHANNEL.check(http, account))


def test_all_pages_of_templates_are_read(server: Receiver) -> None:
    base = f"/v23.0/{known.BUSINESS_ACCOUNT_ID}/message_templates"
    body = {"type": "BODY", "text": "Hello {{1}}" + "x" * 20_000}
    first = {"name": "a", "language": "en", "status": "APPROVED", "category": "MARKETING"}
    # The next page is asked for at the same address, wherever Meta's own would lead.
    paging = {"cursors": {"after": "MjQ="}, "next": server.url("/trap")}
    server.script(f"{base}?limit=100", told(200, {"data": [first], "paging": paging}))
    second = first | {"name": "b", "components": [body]}
    last = {"cursors": {"after": "x"}}
    server.script(f"{base}?limit=100&after=MjQ%3D", told(200, {"data": [second], "paging": last}))

    found = run(lambda http: CHANNEL.list_templates(http, account_of(CHANNEL, server.url(""))))

    assert [(one.name, one.language, one.status, one.category) for one in found] == [
        ("a", "en", "APPROVED", "MARKETING"),
        ("b", "en", "APPROVED", "MARKETING"),
    ]
    assert found[1].components == [body]
