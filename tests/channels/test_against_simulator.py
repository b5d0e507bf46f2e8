"""The adapters, unchanged, against the simulator: over HTTP, with callbacks as they come."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from campaigns_app.channels.provider import (
    Account,
    AccountPause,
    CampaignPause,
    EventKind,
    Outcome,
    OutgoingMessage,
    Permanent,
    ProviderChannel,
    ProviderEvent,
    Receipt,
    Retry,
    Suppress,
    Unknown,
)
from campaigns_app.channels.templates import Template
from campaigns_app.channels.whatsapp import WhatsappChannel
from campaigns_app.database.types import utcnow
from campaigns_app.http_client import Policy
from campaigns_app.operations.simulator.manners import SLOW_SECONDS, Manner
from campaigns_app.operations.simulator.server import Options
from campaigns_app.operations.simulator.whatsapp_templates import TEMPLATES
from tests.channels.providers import (
    CHANNELS,
    FORMATS,
    LOCAL,
    TO,
    Running,
    account_of,
    callback_request,
    look_up,
    message_to,
    outcome_of,
    run,
    send,
    simulating,
)
from tests.operations.processes import wait_until
from tests.receiver import Receiver

SENT, DELIVERED, READ, FAILED = (
    EventKind.SENT,
    EventKind.DELIVERED,
    EventKind.READ,
    EventKind.FAILED,
)
REPLIED, OUT = EventKind.REPLIED, EventKind.OPTED_OUT
LOOKS_UP = {"Twilio SMS", "Sms", "Simulator"}
TELLS = [channel for channel in CHANNELS if channel.name != "Telegram"]

every_channel = pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.slug)


@pytest.fixture
def simulator(tmp_path: Path, server: Receiver) -> Iterator[Running]:
    """The simulator, whose callbacks go to `server` under the name of their format."""
    server.requests.clear()
    urls = {name: server.url(f"/{name}") for name in FORMATS.values()}
    with simulating(tmp_path / "ledger.jsonl", callbacks=urls) as running:
        yield running


def account_at(simulator: Running, channel: ProviderChannel, server: Receiver) -> Account:
    """The channel's account with the simulator."""
    return account_of(channel, simulator.url, server.url(f"/{FORMATS[channel.name]}"))


def number(channel: ProviderChannel, manner: Manner) -> str:
    """An address that is treated in this manner."""
    digits = f"15002{manner:02}0001"
    return digits if channel.name == "Telegram" else f"+{digits}"


def events_of(channel: ProviderChannel, account: Account, server: Receiver) -> list[ProviderEvent]:
    """What the callbacks that have come tell the channel."""
    parts = urlsplit(account.callback_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return [
        event
        for received in list(server.requests)
        for event in channel.read_callback(
            account, callback_request(received, origin + received.path)
        )
    ]


@every_channel
def test_a_message_is_taken_once_and_written_down(
    simulator: Running, server: Receiver, channel: ProviderChannel
) -> None:
    to = number(channel, Manner.DELIVERED)

    receipt = send(channel, account_at(simulator, channel, server), message_to(to))

    [entry] = simulator.ledger
    assert (entry.format, entry.to) == (FORMATS[channel.name], to)
    assert receipt.provider_message_id.endswith(entry.provider_id)
    assert entry.delivery_id == ("" if channel.name == "Telegram" else "4711")


@every_channel
@pytest.mark.parametrize(
    ("manner", "kind", "taken"),
    [
        (Manner.REFUSED, Permanent, 0),
        (Manner.OPTED_OUT, Suppress, 0),
        (Manner.TOO_FAST, Retry, 0),
        (Manner.SLOW, Unknown, 1),
        (Manner.HANGS, Unknown, 0),
        (Manner.DROPS, Unknown, 1),
        (Manner.TAKES_AND_HANGS, Unknown, 1),
        (Manner.HTML, Unknown, 0),
        (Manner.ACCOUNT, AccountPause, 0),
        (Manner.TROUBLE, Unknown, 0),
    ],
)
def test_each_manner_has_its_outcome(
    simulator: Running,
    server: Receiver,
    channel: ProviderChannel,
    manner: Manner,
    kind: type[Outcome | Receipt],
    taken: int,
) -> None:
    if channel.name == "Sms" and manner is Manner.OPTED_OUT:
        # Bandwidth takes it, and tells of it later.
        kind, taken = Receipt, 1
    known_not_sent = {"Sms": {Manner.HTML, Manner.TROUBLE}, "Whatsapp": {Manner.TROUBLE}}
    if manner in known_not_sent.get(channel.name, set()):
        kind = Retry

    outcome = outcome_of(
        channel,
        account_at(simulator, channel, server),
        message_to(number(channel, manner)),
    )

    assert type(outcome) is kind
    assert len(simulator.ledger) == taken


@every_channel
def test_what_was_too_fast_is_taken_when_it_comes_again(
    simulator: Running, server: Receiver, channel: ProviderChannel
) -> None:
    account = account_at(simulator, channel, server)
    message = message_to(number(channel, Manner.TOO_FAST))

    first, second = outcome_of(channel, account, message), outcome_of(channel, account, message)

    assert isinstance(first, Retry)
    assert (first.after, first.slows_down) == (1, True)
    assert isinstance(second, Receipt)


@every_channel
def test_who_waits_long_enough_gets_the_slow_answer(
    simulator: Running, server: Receiver, channel: ProviderChannel
) -> None:
    patient = Policy(LOCAL.allowed_networks, timeout_seconds=round(SLOW_SECONDS) * 5, connections=1)
    message = message_to(number(channel, Manner.SLOW))
    account = account_at(simulator, channel, server)

    assert isinstance(run(lambda http: channel.send(http, account, message), patient), Receipt)


@every_channel
def test_wrong_credentials_pause_the_account(
    simulator: Running, server: Receiver, channel: ProviderChannel
) -> None:
    account = account_at(simulator, channel, server)
    wrong = Account(
        account.settings,
        dict.fromkeys(account.secrets, "wrong"),
        account.callback_url,
        account.base_url,
    )

    assert type(outcome_of(channel, wrong, message_to())) is AccountPause
    with pytest.raises(AccountPause):
        run(lambda http: channel.check(http, wrong))


@every_channel
def test_right_credentials_are_found_right(
    simulator: Running, server: Receiver, channel: ProviderChannel
) -> None:
    account = account_at(simulator, channel, server)

    assert run(lambda http: channel.check(http, account))


def story(channel: ProviderChannel, manner: Manner) -> list[EventKind]:
    """What comes back of a message that was taken."""
    states = [SENT, DELIVERED, READ]
    if channel.name in ("Twilio SMS", "Sms"):
        states.pop()
    if channel.name == "Sms":
        # `message-sending` says nothing new.
        states.remove(SENT)
    begin = [one for one in states if one is SENT]
    return {
        Manner.DELIVERED: states,
        Manner.DUPLICATES: [state for state in states for _ in range(2)],
        Manner.REORDERED: states[::-1],
        Manner.REPLIES: [*states, REPLIED],
        Manner.STOPS: [*states, REPLIED, *([OUT] * (channel.name == "Twilio SMS"))],
        Manner.FAILS_LATER: [*begin, FAILED],
        Manner.OPTED_OUT_LATER: [*begin, FAILED, OUT],
        Manner.DROPS: states,
        Manner.TAKES_AND_HANGS: states,
    }[manner]


@pytest.mark.parametrize("channel", TELLS, ids=lambda channel: channel.slug)
@pytest.mark.parametrize(
    "manner",
    [
        Manner.DELIVERED,
        Manner.DUPLICATES,
        Manner.REORDERED,
        Manner.REPLIES,
        Manner.STOPS,
        Manner.FAILS_LATER,
        Manner.OPTED_OUT_LATER,
        Manner.DROPS,
        Manner.TAKES_AND_HANGS,
    ],
)
def test_what_comes_back_is_believed_and_told(
    simulator: Running, server: Receiver, channel: ProviderChannel, manner: Manner
) -> None:
    account = account_at(simulator, channel, server)
    to, expected = number(channel, manner), story(channel, manner)

    outcome_of(channel, account, message_to(to))
    wait_until(lambda: len(events_of(channel, account, server)) >= len(expected))

    events = events_of(channel, account, server)
    assert [event.kind for event in events] == expected
    assert {event.address for event in events if event.address} == {to}
    about = [event for event in events if event.kind in (SENT, DELIVERED, READ, FAILED)]
    assert {event.delivery_id for event in about} == {"4711"}
    assert len({event.key for event in events}) == len(set(expected))


def test_a_telegram_bot_is_told_of_replies(simulator: Running, server: Receiver) -> None:
    channel = next(one for one in CHANNELS if one.name == "Telegram")
    account = account_at(simulator, channel, server)
    to = number(channel, Manner.STOPS)

    send(channel, account, message_to(to))
    wait_until(lambda: server.requests)

    [event] = events_of(channel, account, server)
    assert (event.kind, event.address, event.text) == (REPLIED, to, "STOP")


@pytest.mark.parametrize(
    "channel",
    [channel for channel in CHANNELS if channel.name in LOOKS_UP],
    ids=lambda channel: channel.slug,
)
@pytest.mark.parametrize("manner", [Manner.DROPS, Manner.TAKES_AND_HANGS, Manner.HANGS])
def test_what_is_unknown_can_be_looked_up(
    simulator: Running, server: Receiver, channel: ProviderChannel, manner: Manner
) -> None:
    account = account_at(simulator, channel, server)
    message = message_to(number(channel, manner))
    since: datetime = utcnow() - timedelta(seconds=1)
    assert type(outcome_of(channel, account, message)) is Unknown

    found = look_up(channel, account, message, since)

    taken = [Receipt(entry.provider_id) for entry in simulator.ledger]
    assert len(taken) == (manner is not Manner.HANGS)
    assert found == (taken[0] if taken else None)


def test_templates_are_read_page_by_page(simulator: Running, server: Receiver) -> None:
    channel = WhatsappChannel()
    account = account_at(simulator, channel, server)

    found = run(lambda http: channel.list_templates(http, account))

    assert [(one.name, one.language, one.status) for one in found] == [
        (told["name"], told["language"], told["status"]) for told in TEMPLATES
    ]
    assert {one.status for one in found} == {"APPROVED", "PENDING", "REJECTED", "PAUSED"}


@pytest.mark.parametrize("wanted", [one for one in TEMPLATES if one["status"] == "APPROVED"])
def test_every_template_is_sent_with_what_it_says_it_wants(
    simulator: Running, server: Receiver, wanted: dict[str, Any]
) -> None:
    channel = WhatsappChannel()
    account = account_at(simulator, channel, server)
    template = Template(
        **{field.name: wanted[field.name] for field in dataclasses.fields(Template)}
    )
    values = {one.key: one.example or "x" for one in template.parameters}
    params = {"name": template.name, "language": template.language}

    filled = params | {"processed_params": template.params_with(values)}
    assert isinstance(send(channel, account, OutgoingMessage("1", TO, "", filled)), Receipt)
    if values:
        refused = outcome_of(channel, account, OutgoingMessage("2", TO, "", params))
        assert (type(refused), getattr(refused, "code", "")) == (CampaignPause, "132000")


@pytest.mark.parametrize(
    ("sender", "to", "kind", "code"),
    [
        *(
            ("+15005550006", f"+1500555000{digit}", kind, code)
            for digit, kind, code in (
                (1, Permanent, "21211"),
                (2, Permanent, "21612"),
                (3, Permanent, "21408"),
                (4, Suppress, "21610"),
                (9, Permanent, "21614"),
            )
        ),
        ("+15005550001", "+14155552671", AccountPause, "21212"),
        ("+15005550007", "+14155552671", AccountPause, "21606"),
        ("+15005550008", "+14155552671", Retry, "21611"),
    ],
)
def test_twilios_own_magic_numbers_work(
    simulator: Running, server: Receiver, sender: str, to: str, kind: type[Outcome], code: str
) -> None:
    channel = CHANNELS[0]
    account = account_at(simulator, channel, server)
    settings = {**account.settings, "phone_number": sender}
    account = Account(settings, account.secrets, account.callback_url, account.base_url)

    outcome = outcome_of(channel, account, message_to(to))

    assert isinstance(outcome, Outcome)
    assert (type(outcome), outcome.code) == (kind, code)


@every_channel
def test_the_rate_is_kept(tmp_path: Path, server: Receiver, channel: ProviderChannel) -> None:
    with simulating(tmp_path / "ledger.jsonl", Options(rate=1)) as simulator:
        account = account_at(simulator, channel, server)
        to = number(channel, Manner.DELIVERED)

        outcomes = [outcome_of(channel, account, message_to(to)) for _ in range(2)]

        assert [type(outcome) for outcome in outcomes] == [Receipt, Retry]
        assert len(simulator.ledger) == 1
