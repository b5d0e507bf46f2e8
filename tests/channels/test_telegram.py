"""Telegram: one file, one line, and this test."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

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
from campaigns_app.channels.telegram import VERDICTS, TelegramChannel
from campaigns_app.contacts.models import Contact
from campaigns_app.operations.simulator import credentials as known
from tests.channels.providers import PATHS, account_of, message_to, refused, run, send, told
from tests.factories import make_account, make_contact
from tests.receiver import Receiver

CHANNEL = TelegramChannel()


def error(code: int, description: str = "no", **parameters: int) -> Any:
    """The Bot API's refusal."""
    body = {"ok": False, "error_code": code, "description": description}
    return told(code, body | ({"parameters": parameters} if parameters else {}))


def test_the_message_goes_to_the_chat(server: Receiver) -> None:
    server.script(PATHS[CHANNEL.name], told(200, {"ok": True, "result": {"message_id": 5}}))

    receipt = send(CHANNEL, account_of(CHANNEL, server.url("")), message_to("987"))

    assert receipt == Receipt("987:5")
    assert json.loads(server.requests[-1].body) == {"chat_id": "987", "text": "Hello"}


@pytest.mark.parametrize(
    ("row", "answer", "kind"),
    [
        ("400", error(400, "Bad Request: chat not found"), Permanent),
        ("401", error(401, "Unauthorized"), AccountPause),
        ("403", error(403, "Forbidden: user is deactivated"), Permanent),
        ("403 blocked", error(403, "Forbidden: bot was blocked by the user"), Suppress),
        ("404", error(404, "Not Found"), AccountPause),
        ("429", error(429, "Too Many Requests: retry after 9", retry_after=9), Retry),
        (None, error(500, "Internal Server Error"), Unknown),
        (None, error(418, "odd"), Permanent),
    ],
)
def test_a_refusal_is_understood(
    server: Receiver, row: str | None, answer: Any, kind: type[Outcome]
) -> None:
    outcome = refused(server, CHANNEL, answer, message_to("987"))

    assert type(outcome) is kind
    assert row is None or outcome.text == VERDICTS[row].meaning
    assert not isinstance(outcome, Retry) or (outcome.after, outcome.slows_down) == (9, True)


def test_a_contact_is_reached_by_an_attribute(session: Session) -> None:
    account = make_account()
    for chat_id in (987, "988", "", None):
        make_contact(account, custom_attributes={"telegram_chat_id": chat_id})
    make_contact(account, custom_attributes={})
    [(reason, condition)] = CHANNEL.unreachable()

    reached = session.scalars(select(CHANNEL.address()).where(~condition)).all()

    assert (reason, sorted(reached)) == ("no_address", ["987", "988"])
    contacts = session.scalars(select(Contact)).all()
    addresses = {
        CHANNEL.address_of({"custom_attributes": contact.custom_attributes}) for contact in contacts
    }
    assert addresses == {"987", "988", ""}


def test_the_bot_is_checked_without_sending(server: Receiver) -> None:
    account = account_of(CHANNEL, server.url(""))
    server.script(f"/bot{known.BOT_TOKEN}/getMe", told(200, {"ok": True, "result": {}}))
    run(lambda http: CHANNEL.check(http, account))

    server.script(f"/bot{known.BOT_TOKEN}/getMe", error(401))
    with pytest.raises(AccountPause):
        run(lambda http: CHANNEL.check(http, account))


def _read(update: Any, secret: str = known.SECRET) -> list[ProviderEvent]:
    headers = {"x-telegram-bot-api-secret-token": secret}
    request = CallbackRequest("POST", "", headers, {}, json.dumps(update).encode())
    return list(CHANNEL.read_callback(account_of(CHANNEL, ""), request))


def test_a_reply_is_told() -> None:
    message = {"chat": {"id": 987}, "date": 1750030073, "text": "Stop"}

    [event] = _read({"update_id": 1, "message": message})

    assert (event.kind, event.address, event.text) == (EventKind.REPLIED, "987", "Stop")


@pytest.mark.parametrize(
    ("status", "kinds"),
    [("kicked", [EventKind.OPTED_OUT]), ("member", [EventKind.OPTED_IN]), ("odd", [])],
)
def test_who_blocks_the_bot_has_opted_out(status: str, kinds: list[EventKind]) -> None:
    change = {"chat": {"id": 987}, "date": 1750030073, "new_chat_member": {"status": status}}

    assert [event.kind for event in _read({"update_id": 1, "my_chat_member": change})] == kinds


@pytest.mark.parametrize("secret", ["", "wrong", "ü"])
def test_who_does_not_know_the_secret_is_refused(secret: str) -> None:
    with pytest.raises(CallbackRefused):
        _read({"update_id": 1}, secret)


@pytest.mark.parametrize("update", [[], {}, "x", None])
def test_what_is_no_update_is_not_understood(update: Any) -> None:
    with pytest.raises(ValueError, match="not an update"):
        _read(update)
