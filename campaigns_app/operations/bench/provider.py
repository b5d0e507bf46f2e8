"""A provider to send through: the simulator, in a process of its own, as Twilio.

No receipts are asked for (Twilio signs them with an auth token, and the inbox has only an API
key): what is measured is sending alone.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web
from cryptography.fernet import Fernet
from sqlalchemy import update

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Channel, Inbox
from campaigns_app.inboxes.provider_account import BASE_URL
from campaigns_app.inboxes.secrets import lock_secrets
from campaigns_app.operations.bench.case import Bench
from campaigns_app.operations.bench.engine import is_finished
from campaigns_app.operations.bench.measuring import Processes
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.simulator import credentials as known
from campaigns_app.operations.simulator.ledger import Ledger
from campaigns_app.operations.simulator.server import Options, Simulator
from campaigns_app.operations.web import open_socket

HOST = "127.0.0.1"
AT_ONCE = 200
"""How many calls are under way at once."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A simulator at `url`, which writes what it takes to `ledger`; `processes` may send to it."""

    url: str
    ledger: Path
    processes: Processes


@contextmanager
def open_provider(bench: Bench, **settings: object) -> Iterator[Provider]:
    """A simulator, as long as the block lasts, and workers with these settings. Raises
    `WorkFailed`."""
    with TemporaryDirectory(prefix="campaigns-provider-") as folder, open_socket(HOST, 0) as own:
        ledger, url = Path(folder) / "ledger.jsonl", f"http://{HOST}:{own.getsockname()[1]}"
        own_settings = {
            "PROVIDER_BASE_URLS": url,
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "PROVIDER_CONCURRENCY": str(AT_ONCE),
        }
        named = {name: str(value) for name, value in settings.items()}
        environ = {**bench.processes.environ, **own_settings, **named}
        with bench.processes.doing(1, simulate, own, ledger):
            yield Provider(url, ledger, replace(bench.processes, environ=environ))


def simulate(listener: socket.socket, ledger: Path) -> None:
    """Take messages at `listener`, until the process is ended."""
    with Ledger(ledger) as entries:
        app = Simulator(entries, Options()).app
        web.run_app(app, sock=listener, access_log=None, print=None)


def make_sms_campaign(url: str, contacts: int, rate: float) -> int:
    """A campaign that is due, for so many contacts, from an inbox that may send `rate` messages a
    second to the simulator at `url`; returns its id. Commits."""
    session = db.session()
    campaign_id = make_due_campaign(session, contacts)
    inbox = session.get_one(Campaign, campaign_id).inbox
    session.execute(
        update(Channel)
        .where(Channel.id == inbox.channel_id)
        .values(
            type=TwilioSmsChannel.name,
            settings={
                "account_sid": known.ACCOUNT_SID,
                "api_key_sid": known.API_KEY_SID,
                "phone_number": known.SENDER,
                BASE_URL: url,
            },
            secrets=lock_secrets({"api_key_secret": known.SECRET}),
        )
    )
    session.execute(
        update(Inbox)
        .where(Inbox.id == inbox.id)
        .values(inbox_type=TwilioSmsChannel.name, rate=rate)
    )
    session.commit()
    return campaign_id


def send_all(campaign_id: int) -> None:
    """Send until the campaign is finished, as a worker does, alone or together with others."""
    while not is_finished(campaign_id):
        deliver_provider_batches()
