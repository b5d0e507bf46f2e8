"""What every adapter makes of answers that say nothing, and of those that never come."""

import socket

import pytest
from flask import Flask
from flask_babel import gettext

from campaigns_app.channels.provider import (
    AccountPause,
    ProviderChannel,
    Retry,
    Unknown,
)
from campaigns_app.http_client import Policy
from campaigns_app.operations.simulator.credentials import SECRET
from tests import receiver as manners
from tests.channels.providers import (
    CHANNELS,
    PATHS,
    TO,
    account_of,
    message_to,
    outcome_of,
    refused,
    run,
    told,
)
from tests.receiver import Manner, Receiver

every_channel = pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.slug)


@every_channel
@pytest.mark.parametrize(
    "answer",
    [
        manners.silence,
        manners.reset,
        manners.gibberish,
        manners.drip,
        manners.status(200),
        manners.status(200, b"[1, 2"),
        manners.status(201, b"[" * 10_000),
        manners.status(200, b"{}"),
        manners.status(202, b'{"id": 7}'),
        manners.status(302, b"", Location="/elsewhere"),
    ],
    ids=["silence", "reset", "gibberish", "drip", "empty", "half", "deep", "{}", "number", "302"],
)
def test_an_answer_that_says_nothing_leaves_it_unknown(
    server: Receiver, channel: ProviderChannel, answer: Manner
) -> None:
    assert type(refused(server, channel, answer, message_to())) is Unknown


@pytest.mark.parametrize("status", [500, 502, 503])
@every_channel
def test_a_page_of_html_leaves_it_unknown_where_nobody_promises_more(
    server: Receiver, channel: ProviderChannel, status: int
) -> None:
    answer = manners.status(status, b"<html>Bad Gateway</html>")

    outcome = refused(server, channel, answer, message_to())

    # "Any 4xx or 5xx HTTP response code will not be billed nor will the message be sent."
    assert type(outcome) is (Retry if channel.name == "Sms" else Unknown)


@every_channel
def test_429_slows_the_inbox_down_for_as_long_as_it_asks(
    server: Receiver, channel: ProviderChannel
) -> None:
    outcome = refused(server, channel, manners.status(429, Retry_After="7"), message_to())

    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.slows_down) == (7, True)


@every_channel
def test_what_never_left_may_be_tried_again(channel: ProviderChannel) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        account = account_of(channel, f"http://127.0.0.1:{closed.getsockname()[1]}")

        outcome = outcome_of(channel, account, message_to())

    assert type(outcome) is Retry


@every_channel
def test_a_provider_inside_a_private_network_is_not_asked(
    server: Receiver, channel: ProviderChannel
) -> None:
    account = account_of(channel, server.url(""))
    strict = Policy((), timeout_seconds=1, connections=1)
    before = len(server.requests)

    with pytest.raises(AccountPause):
        run(lambda http: channel.send(http, account, message_to()), strict)

    assert len(server.requests) == before


@every_channel
def test_a_redirect_is_not_followed(server: Receiver, channel: ProviderChannel) -> None:
    refused(server, channel, manners.status(307, b"", Location=server.url("/trap")), message_to())

    assert not [request for request in server.requests if request.path == "/trap"]


@every_channel
@pytest.mark.parametrize("status", [400, 401, 404, 422, 500])
def test_outcomes_hold_neither_secrets_nor_numbers(
    server: Receiver, channel: ProviderChannel, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    words = f"'{TO}' (415) 555-2671 is no number"
    error = {"code": 77777, "message": words}
    body = {"error": error, "error_code": status, "type": "odd", "description": words, **error}

    with caplog.at_level("DEBUG"):
        outcome = refused(server, channel, told(status, body), message_to())

    shown = f"{outcome} {outcome!r} {caplog.text}"
    assert SECRET not in shown
    assert TO not in shown
    assert "555-2671" not in shown


@every_channel
def test_an_account_does_not_show_its_secrets(channel: ProviderChannel) -> None:
    assert SECRET not in repr(account_of(channel, "http://127.0.0.1"))


def test_every_text_of_a_form_is_in_the_catalogue(app: Flask) -> None:
    keys = {
        key
        for channel in CHANNELS
        for setting in channel.settings
        for key in (setting.label, setting.help)
        if key
    }
    keys |= {key for values in ({}, {"api_key_sid": "x"}) for _, key in CHANNELS[0].faults(values)}

    assert [key for key in sorted(keys) if gettext(key) == key] == []


def test_names_are_different() -> None:
    for names in ("name", "slug", "callback_slug", "log_prefix", "webhook_name"):
        assert len({getattr(channel, names) for channel in CHANNELS}) == len(CHANNELS)


def test_each_channel_has_a_path_of_its_own() -> None:
    assert set(PATHS) == {channel.name for channel in CHANNELS}
