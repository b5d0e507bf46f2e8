"""The crash test from beginning to end."""

import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from sqlalchemy import inspect

from campaigns_app import create_app
from campaigns_app.channels.conversation import ApiChannel
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db
from campaigns_app.job_queue import CAMPAIGNS, PROVIDERS
from campaigns_app.operations.crashtest.checker import check
from campaigns_app.operations.crashtest.faults import Hands
from campaigns_app.operations.crashtest.history import Calls, History
from campaigns_app.operations.crashtest.nemesis import (
    Fault,
    Strike,
    plan_strikes,
    possible_faults,
)
from campaigns_app.operations.crashtest.progress import Progress, read_progress
from campaigns_app.operations.crashtest.promise import Promise
from campaigns_app.operations.crashtest.report import Report
from campaigns_app.operations.crashtest.scene import Provider, Receivers, Scene, set_scene
from campaigns_app.operations.data_folder import DataFolder
from campaigns_app.operations.demo.receiver import WebhookReceiver
from campaigns_app.operations.demo.run import OWN_SETTINGS
from campaigns_app.operations.installation import (
    Installation,
    close_database,
    running_installation,
)
from campaigns_app.operations.local_postgres import LocalPostgres
from campaigns_app.operations.signals import CaughtSignals
from campaigns_app.operations.simulator.process import Line, simulator_process
from campaigns_app.operations.web import open_socket

HOST = "127.0.0.1"
LOOK_SECONDS = 0.05
LEASE_SECONDS = 2
CALLS_AT_ONCE = 20
ANSWER_SECONDS = 0.1
"""How long the simulator takes: calls are under way whenever a fault strikes."""
PACE = {
    "BATCH_SIZE": "100",
    "CHUNK_SIZE": "5",
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "SWEEP_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
    "WEBHOOK_ALLOWED_NETWORKS": f"{HOST}/32",
}
PROVIDER_PACE = {"PROVIDER_CONCURRENCY": str(CALLS_AT_ONCE), "PROVIDER_TIMEOUT_SECONDS": "5"}
"""Small steps, so that a fault at a random moment strikes in the middle of one; a short lease, so
that work comes back soon."""

DEEPEST_SECONDS = 0.5
"""A fault strikes at most so long after it is seen that there is work."""

SECONDS_AT_ALL = 120
SECONDS_A_FAULT = 10
CONTACTS_A_SECOND = 100
"""What the time allowed is made of: each fault may cost one more campaign."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be asked of the crash test. `database` is the address of an empty one; without, it
    is a new one: of a PostgreSQL server of our own with `postgres`, else SQLite. The processes'
    log goes to `log`, or is removed with everything else. Campaigns go through the simulator as
    `line` says, or are conversations."""

    faults: int
    contacts: int
    seed: int
    database: str | None = None
    postgres: bool = False
    log: Path | None = None
    line: Line | None = None

    @property
    def longest_seconds(self) -> float:
        """How long it may take."""
        campaigns_seconds = (self.faults + 1) * self.contacts / CONTACTS_A_SECOND
        return SECONDS_AT_ALL + SECONDS_A_FAULT * self.faults + campaigns_seconds


class Interrupted(Exception):
    """Somebody asked the crash test to end."""


class OutOfTime(Exception):
    """It did not come to its end in the time allowed."""


def run_crashtest(options: Options, say: Callable[[str], None]) -> Report:
    """Run it, and `say` each fault as it strikes.

    Raises `Interrupted`, and `CannotStart` for a database that is not empty or does not answer.
    Whatever happens, every process is ended and every file of its own removed.
    """
    with ExitStack() as stack:
        signals = stack.enter_context(CaughtSignals())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="campaigns-crashtest-")))
        postgres = stack.enter_context(LocalPostgres()) if options.postgres else None
        environ = _environ(options, postgres)
        log = options.log or folder / "log"
        provider = None
        if options.line is not None:
            # It outlives the installation: what it has taken is the history.
            simulator = stack.enter_context(
                simulator_process(folder / "taken.jsonl", environ, log, latency=ANSWER_SECONDS)
            )
            provider = Provider(options.line, simulator)
            environ |= {**PROVIDER_PACE, "PROVIDER_BASE_URLS": simulator.url}
        receivers = Receivers(*(stack.enter_context(WebhookReceiver()) for _ in range(2)))
        run = _Run(options, signals, receivers, postgres, provider, say)
        with (
            open_socket(HOST, 0) as listener,
            DataFolder(folder / "data") as data,
            running_installation(
                data,
                listener,
                environ,
                log=log,
                at_once=lambda: signals.count > 0,
            ) as installation,
        ):
            run.carry_out(installation, log)
        # Only now does nothing happen any more, not even by a process that woke up late.
        return run.report(installation.app)


def _environ(options: Options, postgres: LocalPostgres | None) -> dict[str, str]:
    """The settings of the installation. Raises `CannotStart` for a database that is in use."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_SETTINGS}
    database = postgres.create_database() if postgres is not None else options.database
    if database is None:
        return inherited | PACE
    stores = {"DATABASE_URL": database, "REDIS_URL": "unix:///nowhere", "SECRET_KEY": "-" * 32}
    app = create_app(stores)
    with app.app_context():
        tables = inspect(db.engine).get_table_names()
    close_database(app)
    if tables:
        raise CannotStart("The database is not empty: the crash test needs one of its own.")
    return inherited | PACE | {"DATABASE_URL": database}


@dataclass(slots=True)
class _Run:
    options: Options
    signals: CaughtSignals
    receivers: Receivers
    postgres: LocalPostgres | None
    provider: Provider | None
    say: Callable[[str], None]
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    asked: int = 0
    ended_in_time: bool = True
    struck: Counter[Fault] = field(default_factory=Counter)
    struck_at_work: int = 0
    scene: Scene = field(init=False)
    installation: Installation = field(init=False)
    hands: Hands = field(init=False)

    def carry_out(self, installation: Installation, log: Path) -> None:
        """Strike as planned, then wait until everything is done, or time is up. Raises
        `Interrupted`."""
        self.installation = installation
        queue = PROVIDERS if self.provider else CAMPAIGNS
        self.hands = Hands(installation, self.postgres, LEASE_SECONDS, log, queue)
        with installation.app.app_context():
            self.scene = set_scene(self.options.contacts, self.receivers, self.provider)
        try:
            for strike in self._plan():
                self._wait(strike.after_seconds)
                self._strike(strike)
            self.hands.calm()
            self._wait_until(lambda progress: progress.is_over)
        except OutOfTime:
            self.ended_in_time = False
        finally:
            self.hands.calm()
            self.seconds = time.monotonic() - self.started

    def report(self, app: Flask) -> Report:
        """Read the history, in which nothing happens any more."""
        single, batched = self.receivers.one_by_one, self.receivers.in_batches
        arrivals, arrivals_in_batches = single.history, batched.history
        history = History(
            self.scene.label_id,
            self.asked,
            arrivals,
            arrivals_in_batches,
            single.arrivals.refused + batched.arrivals.refused,
            self._calls(),
        )
        came = sum(arrivals.values()) + sum(arrivals_in_batches.values())
        with app.app_context():
            session = db.session()
            dialect = session.connection().dialect
            promises = check(session, history)
        close_database(app)
        return Report(
            seed=self.options.seed,
            database=f"{dialect.name} {'.'.join(map(str, dialect.server_version_info or ()))}",
            channel=self.provider.line.channel.name if self.provider else ApiChannel.name,
            contacts=self.options.contacts,
            campaigns=self.asked,
            seconds=self.seconds,
            faults=self.struck,
            faults_at_work=self.struck_at_work,
            webhooks=came,
            webhooks_repeated=came - len(arrivals) - len(arrivals_in_batches),
            promises=[
                Promise("faults that struck", self.options.faults, self.struck.total()),
                Promise("ended in time", 1, int(self.ended_in_time)),
                *promises,
            ],
        )

    def _calls(self) -> Calls | None:
        if self.provider is None:
            return None
        most_cut_off = self.hands.senders_struck * CALLS_AT_ONCE
        return Calls(self.provider.simulator.entries(), most_cut_off)

    def _plan(self) -> list[Strike]:
        is_postgres = self.installation.app.config["DATABASE_URL"].startswith("postgresql")
        kinds = possible_faults(postgres=is_postgres, own_server=self.postgres is not None)
        return plan_strikes(self.options.seed, self.options.faults, kinds)

    def _strike(self, strike: Strike) -> None:
        """Do it while a campaign is being sent: a new one, if those before have ended."""
        self._see_to_work()
        self._wait(strike.lot * DEEPEST_SECONDS)
        progress = self._see_to_work()
        while not self.hands.carry_out(strike, progress.latest_id):
            self._tick()
            progress = self._see_to_work()
        self.struck[strike.fault] += 1
        self.struck_at_work += progress.pending > 0
        self.say(
            f"{time.monotonic() - self.started:6.1f} s  {strike.fault}"
            f"  (campaign {self.asked}, {progress.pending:,} recipients pending)"
        )

    def _see_to_work(self) -> Progress:
        """Return as soon as there are recipients to write to."""
        progress = self._wait_until(lambda progress: progress.pending or not progress.unfinished)
        if progress.pending:
            return progress
        # Until it is certain that it was made: else it would not be known how many there are.
        while not self.scene.ask_for_campaign(self.installation.address, self.asked + 1):
            self._tick()
        self.asked += 1
        return self._wait_until(lambda progress: progress.pending)

    def _wait_until(self, is_so: Callable[[Progress], object]) -> Progress:
        while True:
            progress = read_progress(self.installation.app)
            if progress is not None and is_so(progress):
                return progress
            self._tick()

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._tick()

    def _tick(self) -> None:
        """Let a moment pass, looking after what runs. Raises `Interrupted` and `OutOfTime`."""
        if self.signals.wait(LOOK_SECONDS):
            raise Interrupted
        if time.monotonic() - self.started > self.options.longest_seconds:
            raise OutOfTime
        self.installation.look()
        self.hands.look()
