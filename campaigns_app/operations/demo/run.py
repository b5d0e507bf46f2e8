"""The demonstration from beginning to end."""

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from campaigns_app.data import FOLDER, SAMPLE_CONTACTS
from campaigns_app.errors import CannotStart
from campaigns_app.operations.data_folder import DataFolder
from campaigns_app.operations.demo import scene
from campaigns_app.operations.demo.display import Display
from campaigns_app.operations.demo.figures import Figures, read_figures
from campaigns_app.operations.demo.receiver import WebhookReceiver
from campaigns_app.operations.demo.texting import TITLE as TEXTS
from campaigns_app.operations.demo.texting import TextFigures, read_texts, schedule_texts
from campaigns_app.operations.installation import Installation, running_installation
from campaigns_app.operations.signals import CaughtSignals
from campaigns_app.operations.simulator.process import SimulatorProcess, simulator_process
from campaigns_app.operations.supervisor import LOOK_SECONDS
from campaigns_app.operations.web import open_socket

Summary = Mapping[str, int | float]
"""The figures of both campaigns by name, as they are printed."""

Seen = TypeVar("Seen", Figures, TextFigures)

HOST = "127.0.0.1"
USUAL_PORT = 8000
SAMPLE = FOLDER / SAMPLE_CONTACTS
STUCK_SECONDS = 60
LONGEST_SECONDS = 600
OWN_SETTINGS = (
    *("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL"),
    "COOKIE_SECURE",
)
"""Never taken from the environment: a demonstration must not touch anybody's real stores."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What can be asked of the demonstration. Without `labels`, everybody in `contacts` who has a
    label is in the audience; without `port`, any port will do."""

    data: Path
    contacts: Path = SAMPLE
    labels: Sequence[str] = ()
    port: int | None = None
    exit_after: bool = False


def run_demo(options: DemoOptions, display: Display, report: Callable[[Summary], None]) -> bool:
    """Run it, hand the figures to `report`, and go on serving until SIGINT or SIGTERM unless
    `exit_after`; returns whether every number added up.

    Raises `CannotStart` and `InvalidInput`, with every process ended.
    """
    with (
        _open_some_socket(options.port, display) as listener,
        DataFolder(options.data) as folder,
        CaughtSignals() as signals,
        WebhookReceiver() as receiver,
    ):
        folder.empty()
        log = folder.path / "demo.log"
        environ = _environ(os.environ)
        with (
            simulator_process(folder.path / "taken.jsonl", environ, log) as simulator,
            running_installation(
                folder,
                listener,
                environ | {"PROVIDER_BASE_URLS": simulator.url},
                log=log,
                at_once=lambda: signals.count > 1,
            ) as installation,
        ):
            # This process only sets things up; what goes on is in the log of the others.
            logging.getLogger().setLevel(logging.WARNING)
            display.done(f"Embedded stores, web, workers and sweep are running (log: {log})")
            demo = _Demo(options, display, signals, receiver, simulator, installation)
            adds_up = demo.carry_out(report)
            if not options.exit_after:
                demo.go_on_serving()
    return adds_up


@dataclass(frozen=True, slots=True)
class _Demo:
    options: DemoOptions
    display: Display
    signals: CaughtSignals
    receiver: WebhookReceiver
    simulator: SimulatorProcess
    installation: Installation

    def carry_out(self, report: Callable[[Summary], None]) -> bool:
        """Set the scene, run both campaigns, report; returns whether every number added up."""
        with self.installation.app.app_context():
            login = self._prepare()
            figures, texts = self._converse(login), self._text(login)
        if self.signals.count:
            return False
        report(asdict(figures.summarize()) | asdict(texts.summarize()))
        faults = [*figures.faults(), *texts.faults()]
        for fault in faults:
            self.display.fault(fault)
        if not faults:
            self.display.done("Every number adds up")
        return not faults

    def go_on_serving(self) -> None:
        """Serve the page until somebody ends it."""
        if not self.signals.count:
            self.display.note(f"\nThe page: {self.installation.address}    (Ctrl-C ends it)")
        while not self.signals.wait(LOOK_SECONDS):
            self.installation.look()

    def _prepare(self) -> scene.Login:
        """Make everything but the campaigns."""
        login = scene.make_account()
        self.display.done(f"Administrator: {login.email}    password: {login.password}")
        with self.display.waiting(f"Importing {self.options.contacts.name}"):
            contacts = scene.load_contacts(login, self.options.contacts)
        self.display.done(
            f"{contacts.created:,} contacts imported, {contacts.rejected_count:,} rows rejected, "
            f"{contacts.labels_created:,} labels"
        )
        self.receiver.secret = scene.make_endpoint(login, self.receiver.url)
        self.display.done(f"Webhook endpoint at {self.receiver.url}")
        return login

    def _converse(self, login: scene.Login) -> Figures:
        """Run the campaign that opens conversations; returns the last figures."""
        labels = scene.choose_labels(login, self.options.labels)
        audience = ", ".join(label.title for label in labels)
        campaign_id = scene.schedule_campaign(login, labels)
        self.display.done(f"Campaign «{scene.TITLE}» scheduled for everybody with: {audience}")
        with self.display.bars() as bars:
            return self._watch(lambda: read_figures(campaign_id, self.receiver), bars.show)

    def _text(self, login: scene.Login) -> TextFigures:
        """Run the campaign that goes through a provider; returns the last figures."""
        campaign_id = schedule_texts(login, self.simulator)
        self.display.done(f"Campaign «{TEXTS}» scheduled, as Twilio to {self.simulator.url}")
        with self.display.waiting("Texting"):
            texts = self._watch(lambda: read_texts(campaign_id, self.simulator))
        self.display.done(
            f"{texts.taken:,} of {texts.counts.total:,} text messages taken by the provider: "
            f"{texts.counts.delivered:,} delivered, {texts.counts.failed:,} failed, "
            f"{texts.opted_out:,} people opted out"
        )
        return texts

    def _watch(self, read: Callable[[], Seen], show: Callable[[Seen], None] | None = None) -> Seen:
        """Look until nothing will happen any more, or has not for too long, or somebody ends it;
        returns the last figures."""
        started = moved = time.monotonic()
        figures = read()
        while not figures.is_over and not self.signals.wait(LOOK_SECONDS):
            self.installation.look()
            latest = read()
            if latest != figures:
                figures, moved = latest, time.monotonic()
                if show is not None:
                    show(figures)
            elif _has_passed(moved, STUCK_SECONDS) or _has_passed(started, LONGEST_SECONDS):
                break
        return figures


def _has_passed(since: float, seconds: float) -> bool:
    return time.monotonic() - since > seconds


def _open_some_socket(port: int | None, display: Display) -> socket.socket:
    """A socket at `port`; if none is named, at the usual one or else at any that is free."""
    if port is not None:
        return open_socket(HOST, port)
    try:
        return open_socket(HOST, USUAL_PORT)
    except CannotStart:
        listener = open_socket(HOST, 0)
        display.note(f"Port {USUAL_PORT} is in use: taking {listener.getsockname()[1]} instead.")
        return listener


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        **{name: value for name, value in environ.items() if name not in OWN_SETTINGS},
        "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.1/32",
    }
