"""The simulator as a process beside an installation, and how an inbox is set up to send to it."""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from campaigns_app.channels.bandwidth_sms import BandwidthSmsChannel
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.simulator import SimulatorChannel
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.channels.whatsapp import WhatsappChannel
from campaigns_app.errors import CannotStart
from campaigns_app.inboxes.provider_account import BASE_URL
from campaigns_app.operations.simulator import credentials as known
from campaigns_app.operations.simulator.bandwidth import BandwidthFormat
from campaigns_app.operations.simulator.formats import Format
from campaigns_app.operations.simulator.ledger import Entry, Ledger
from campaigns_app.operations.simulator.plain import PlainFormat
from campaigns_app.operations.simulator.twilio import TwilioFormat
from campaigns_app.operations.simulator.whatsapp import WhatsappFormat
from campaigns_app.operations.supervisor import Supervisor, campaigns_program
from campaigns_app.operations.web import open_socket

HOST = "127.0.0.1"
TELLING_SECONDS = 5
START_SECONDS = 20
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Line:
    """A channel, its wire format, and the settings and secrets of the account that the simulator
    knows."""

    channel: type[ProviderChannel]
    format: type[Format]
    settings: Mapping[str, str]


_LINES = (
    Line(SimulatorChannel, PlainFormat, {"token": known.SECRET}),
    Line(
        TwilioSmsChannel,
        TwilioFormat,
        {
            "account_sid": known.ACCOUNT_SID,
            "auth_token": known.SECRET,
            "phone_number": known.SENDER,
        },
    ),
    Line(
        BandwidthSmsChannel,
        BandwidthFormat,
        {
            "account_id": known.BANDWIDTH_ACCOUNT_ID,
            "application_id": known.BANDWIDTH_APPLICATION_ID,
            "phone_number": known.SENDER,
            "api_key": known.BANDWIDTH_API_KEY,
            "api_secret": known.SECRET,
            "callback_user": known.CALLBACK_USER,
            "callback_password": known.SECRET,
        },
    ),
    Line(
        WhatsappChannel,
        WhatsappFormat,
        {
            "phone_number_id": known.PHONE_NUMBER_ID,
            "business_account_id": known.BUSINESS_ACCOUNT_ID,
            "api_key": known.SECRET,
            "app_secret": known.SECRET,
            "webhook_verify_token": known.SECRET,
        },
    ),
)


LINES: Mapping[str, Line] = {line.format.name: line for line in _LINES}
"""By the name of the format."""


@dataclass(frozen=True, slots=True)
class SimulatorProcess:
    """A simulator at `url`, which writes what it takes into the file `ledger`."""

    url: str
    ledger: Path
    supervisor: Supervisor

    def entries(self) -> list[Entry]:
        """What it has taken until now."""
        with Ledger(self.ledger) as ledger:
            return list(ledger)

    def settings_for(self, line: Line) -> dict[str, str]:
        """The settings of an inbox that sends to it."""
        return {**line.settings, BASE_URL: self.url}

    def call_back(self, line: Line, url: str) -> None:
        """Have the receipts of formats whose requests name no address sent to `url`."""
        self._instruct(f"/callbacks/{line.format.name}", {"url": url})

    def change_template(self, name: str, status: str) -> None:
        """Give one of the English templates of WhatsApp's account another status, and return when
        that was told where receipts go."""
        path = f"/templates/{WhatsappFormat.name}"
        self._instruct(path, {"name": name, "status": status})

    def _instruct(self, path: str, wish: Mapping[str, str]) -> None:
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=TELLING_SECONDS)) as http:
            http.request("POST", path, json.dumps(wish))
            http.getresponse().read()


@contextmanager
def simulator_process(
    ledger: Path, environ: Mapping[str, str], log: Path, *, latency: float = 0
) -> Iterator[SimulatorProcess]:
    """`campaigns simulator` at a free port of this machine, for as long as the block lasts."""
    with open_socket(HOST, 0) as free:
        port = free.getsockname()[1]
    program = campaigns_program(
        "simulator",
        *("simulator", "--port", str(port)),
        *("--ledger", str(ledger), "--latency", str(latency)),
    )
    supervisor = Supervisor([program], environ, log=log)
    supervisor.start()
    try:
        _wait_for(port)
        yield SimulatorProcess(f"http://{HOST}:{port}", ledger, supervisor)
    finally:
        supervisor.stop()


def _wait_for(port: int) -> None:
    """Until somebody listens at the port. Raises `CannotStart`."""
    for _ in range(round(START_SECONDS / LOOK_SECONDS)):
        with suppress(OSError), socket.create_connection((HOST, port), timeout=START_SECONDS):
            return
        time.sleep(LOOK_SECONDS)
    raise CannotStart("The simulator did not start: see its log.")
