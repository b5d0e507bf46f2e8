"""Adapters against a server that answers what a test says, and against the simulator."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from campaigns_app.channels.bandwidth_sms import BandwidthSmsChannel
from campaigns_app.channels.provider import (
    Account,
    CallbackRequest,
    Outcome,
    OutgoingMessage,
    ProviderChannel,
    Receipt,
)
from campaigns_app.channels.simulator import SimulatorChannel
from campaigns_app.channels.telegram import TelegramChannel
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.channels.whatsapp import WhatsappChannel
from campaigns_app.http_client import HttpClient, Policy
from campaigns_app.operations.simulator import credentials as known
from campaigns_app.operations.simulator.ledger import Ledger
from campaigns_app.operations.simulator.server import Options, Simulator
from tests.receiver import Manner, Received, Receiver, status

T = TypeVar("T")
LOCAL = Policy((ip_network("127.0.0.0/8"),), timeout_seconds=1, connections=10, connect_seconds=0.5)
TO = "+14155552671"
CHANNELS: tuple[ProviderChannel, ...] = (
    TwilioSmsChannel(),
    BandwidthSmsChannel(),
    WhatsappChannel(),
    TelegramChannel(),
    SimulatorChannel(),
)

SETTINGS = {
    "Twilio SMS": {"account_sid": known.ACCOUNT_SID, "phone_number": known.SENDER},
    "Sms": {
        "account_id": known.BANDWIDTH_ACCOUNT_ID,
        "application_id": known.BANDWIDTH_APPLICATION_ID,
        "phone_number": known.SENDER,
        "api_key": known.BANDWIDTH_API_KEY,
        "callback_user": known.CALLBACK_USER,
    },
    "Whatsapp": {
        "phone_number_id": known.PHONE_NUMBER_ID,
        "business_account_id": known.BUSINESS_ACCOUNT_ID,
    },
    "Telegram": {},
    "Simulator": {},
}
PATHS = {
    "Twilio SMS": f"/2010-04-01/Accounts/{known.ACCOUNT_SID}/Messages.json",
    "Sms": f"/api/v2/users/{known.BANDWIDTH_ACCOUNT_ID}/messages",
    "Whatsapp": f"/v23.0/{known.PHONE_NUMBER_ID}/messages",
    "Telegram": f"/bot{known.BOT_TOKEN}/sendMessage",
    "Simulator": "/messages",
}
FORMATS = {"Twilio SMS": "twilio", "Sms": "bandwidth"} | {
    name: name.lower() for name in ("Whatsapp", "Telegram", "Simulator")
}


def account_of(
    channel: ProviderChannel, base_url: str, callback_url: str = "https://app.example/callbacks/t"
) -> Account:
    """The account that the simulator knows."""
    secrets = {setting.name: known.SECRET for setting in channel.settings if setting.secret}
    secrets.pop("api_key_secret", None)
    if channel.name == "Telegram":
        secrets["bot_token"] = known.BOT_TOKEN
    return Account(SETTINGS[channel.name], secrets, callback_url, base_url)


def message_to(to: str = TO, **values: Any) -> OutgoingMessage:
    """A message, with everything that any channel needs."""
    template = {"name": "summer_sale", "language": "en_US", "processed_params": {"1": "Ana"}}
    return OutgoingMessage(
        values.pop("delivery_id", "4711"), to, values.pop("text", "Hello"), template, **values
    )


def run(use: Callable[[HttpClient], Awaitable[T]], policy: Policy = LOCAL) -> T:
    """What comes of using an HTTP client."""

    async def inside() -> T:
        async with HttpClient(policy) as http:
            return await use(http)

    return asyncio.run(inside())


def send(channel: ProviderChannel, account: Account, message: OutgoingMessage) -> Receipt:
    """Send one message."""
    return run(lambda http: channel.send(http, account, message))


def outcome_of(
    channel: ProviderChannel, account: Account, message: OutgoingMessage
) -> Outcome | Receipt:
    """What sending one message comes to."""
    try:
        return send(channel, account, message)
    except Outcome as outcome:
        return outcome


def look_up(
    channel: ProviderChannel, account: Account, message: OutgoingMessage, since: datetime
) -> Receipt | None:
    """Look for one message."""
    return run(lambda http: channel.look_up(http, account, message, since))


def refused(
    server: Receiver, channel: ProviderChannel, answer: Manner, message: OutgoingMessage
) -> Outcome:
    """The outcome of a message that is answered in this manner."""
    server.script(PATHS[channel.name], answer)
    outcome = outcome_of(channel, account_of(channel, server.url("")), message)
    assert isinstance(outcome, Outcome)
    return outcome


def told(code: int, content: object, **headers: str) -> Manner:
    """An answer of JSON."""
    return status(code, json.dumps(content).encode(), **headers)


def callback_request(received: Received, url: str) -> CallbackRequest:
    """A request that came to a receiver, as a channel reads it."""
    query = dict(part.split("=", 1) for part in received.path.partition("?")[2].split("&") if part)
    headers = {name.lower(): value for name, value in received.headers.items()}
    return CallbackRequest("POST", url, headers, query, received.body)


class Running:
    """A simulator that is served, and the ledger it keeps."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self.url = url
        self.ledger = ledger


@contextmanager
def simulating(
    ledger_file: Path, options: Options | None = None, callbacks: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """The simulator in a thread, for as long as the block lasts; `callbacks` says by format where
    receipts go."""
    loop = asyncio.new_event_loop()
    with Ledger(ledger_file) as ledger:
        simulator = Simulator(ledger, options or Options())
        for name, url in (callbacks or {}).items():
            simulator.formats[name].callback_url = url
        runner = web.AppRunner(simulator.app, access_log=None, shutdown_timeout=0.1)
        loop.run_until_complete(runner.setup())
        loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield Running(f"http://127.0.0.1:{runner.addresses[0][1]}", ledger)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.run_until_complete(runner.cleanup())
            loop.close()
