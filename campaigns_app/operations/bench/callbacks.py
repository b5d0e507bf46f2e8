"""A provider that calls, as the three that send for us do, and who answers it."""

import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from sqlalchemy import insert, select

from campaigns_app.accounts.models import Account
from campaigns_app.errors import CampaignsError
from campaigns_app.extensions import db
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox, ProviderEvent
from campaigns_app.inboxes.provider_account import callback_url, provider_of
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.operations.bench.measuring import Timing, timed
from campaigns_app.operations.simulator import credentials as known
from campaigns_app.operations.simulator.formats import Callback, Order, State
from campaigns_app.operations.simulator.ledger import Ledger
from campaigns_app.operations.simulator.process import LINES
from campaigns_app.operations.web import serve

FORMATS = ("twilio", "bandwidth", "whatsapp")
RECIPIENT = "+15002000001"
ANSWER_SECONDS = 30


class CallRefused(CampaignsError):
    """A callback was not taken."""


@dataclass(frozen=True, slots=True)
class Answers:
    """How long it took to be answered, each time, in milliseconds, and all in all."""

    timing: Timing
    milliseconds: Sequence[float]


def make_called_inboxes() -> Mapping[str, str]:
    """An inbox of each format; returns their callback addresses, by format. Commits."""
    account = Account(name="Benchmark")
    db.session.add(account)
    db.session.commit()
    addresses = {}
    for name in FORMATS:
        line = LINES[name]
        draft = InboxDraft(name, line.channel.name, dict(line.settings))
        inbox = create_inbox(account.id, draft)
        channel = provider_of(inbox)
        if channel is not None:
            addresses[name] = callback_url(channel, inbox)
    return addresses


def make_receipts(addresses: Mapping[str, str], count: int) -> Sequence[Callback]:
    """So many signed receipts, of messages that nobody knows, one format after the other."""
    with Ledger(Path(os.devnull)) as nothing:
        formats = {name: LINES[name].format(nothing) for name in addresses}
    made = []
    for number in range(count):
        name = FORMATS[number % len(FORMATS)]
        delivery_id = token_hex(8)
        url = f"{addresses[name]}?d={delivery_id}" if name == "twilio" else addresses[name]
        order = Order(known.SENDER, RECIPIENT, "", delivery_id, url)
        made.append(formats[name].receipt(order, formats[name].make_id(), State.DELIVERED))
    return [one for one in made if one is not None]


def call(callbacks: Sequence[Callback]) -> Answers:
    """Make the requests, one after the other, over one connection. Raises `CallRefused`."""
    milliseconds: list[float] = []
    host = urlsplit(callbacks[0].url).netloc
    with closing(HTTPConnection(host, timeout=ANSWER_SECONDS)) as http:
        timing = timed(len(callbacks), lambda: milliseconds.extend(_call_each(http, callbacks)))
    return Answers(timing, milliseconds)


def _call_each(http: HTTPConnection, callbacks: Iterable[Callback]) -> Iterable[float]:
    for callback in callbacks:
        began = time.perf_counter()
        http.request("POST", callback.url, callback.body, callback.headers)
        answer = http.getresponse()
        answer.read()
        yield (time.perf_counter() - began) * 1000
        if answer.status != 204:
            raise CallRefused(f"{callback.url} answered {answer.status}")


def serve_app(listener: socket.socket) -> None:
    """Be the web server of an installation, until the process is ended."""
    serve(current_app._get_current_object(), listener)  # type: ignore[attr-defined]


def serve_row(listener: socket.socket) -> None:
    """Answer every request, at the same server, once a row with its body is kept; nothing is
    checked or read. Until the process is ended."""
    inbox = db.session.scalars(select(Inbox).limit(1)).one()
    ids = {"account_id": inbox.account_id, "inbox_id": inbox.id}
    db.session.rollback()
    bare = Flask(__name__)
    engine = db.engine

    @bare.post("/<path:anything>")
    def keep(anything: str) -> Response:
        body = request.get_data().decode()
        row = {**ids, "key": token_hex(8), "kind": "delivered", "event": {}, "raw": body}
        with engine.begin() as connection:
            connection.execute(insert(ProviderEvent).values(**row))
        return Response(status=204)

    serve(bare, listener)
