"""Doing what the nemesis has decided, to an installation that runs."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psycopg
import redis

from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.job_queue import CAMPAIGNS, PROVIDERS, enqueue, get_redis
from campaigns_app.operations.crashtest.nemesis import Fault, Strike
from campaigns_app.operations.crashtest.processes import find_horse
from campaigns_app.operations.installation import Installation
from campaigns_app.operations.local_postgres import LocalPostgres
from campaigns_app.operations.supervisor import Supervisor, campaigns_program

WORKERS = ("campaigns", "providers", "webhooks")
OVERSLEEPING = 2
"""How many leases long a stopped work-horse sleeps."""

Victim = TypeVar("Victim")


@dataclass(slots=True)
class Hands:
    """What does harm to `installation`, whose database is `postgres` where that is ours.

    To be used from the thread that looks after the installation. `queue` is the one whose workers
    send; `senders_struck` counts how often one of them was struck so that nobody can know what
    became of its calls. `calm()` ends whatever lasts.
    """

    installation: Installation
    postgres: LocalPostgres | None
    lease_seconds: int
    log: Path
    queue: str = CAMPAIGNS
    senders_struck: int = 0
    _sleepers: dict[int, float] = field(default_factory=dict)
    _second_sweep: Supervisor | None = None

    def carry_out(self, strike: Strike, campaign_id: int) -> bool:
        """Do it, in the middle of this campaign; false when there is nobody to do it to now."""
        ways: Mapping[Fault, Callable[[float], bool]] = {
            Fault.KILL_HORSE: self._kill_horse,
            Fault.KILL_WORKER: self._kill_worker,
            Fault.KILL_GROUP: self._kill_group,
            Fault.STOP_HORSE: self._stop_horse,
            Fault.FLUSH_REDIS: self._flush_redis,
            Fault.RESTART_REDIS: self._restart_redis,
            Fault.SECOND_SWEEP: self._start_second_sweep,
            Fault.REPEATED_JOBS: lambda lot: self._repeat_jobs(campaign_id),
            Fault.CUT_CONNECTIONS: self._cut_connections,
            Fault.RESTART_POSTGRES: self._restart_postgres,
        }
        return ways[strike.fault](strike.lot)

    def look(self) -> None:
        """Wake those who have slept for long enough. To be called often."""
        for process_id, until in list(self._sleepers.items()):
            if time.monotonic() > until:
                self._wake(process_id)

    def calm(self) -> None:
        """Wake everybody, and end what was started."""
        for process_id in list(self._sleepers):
            self._wake(process_id)
        if self._second_sweep is not None:
            self._second_sweep.stop()
            self._second_sweep = None

    def _kill_horse(self, lot: float) -> bool:
        worker = _drawn(list(self._busy()), lot)
        horse = find_horse(worker) if worker is not None else None
        return horse is not None and self._killed(os.kill, horse, worker)

    def _kill_worker(self, lot: float) -> bool:
        worker = _drawn(list(self._busy()), lot)
        return worker is not None and self._killed(os.kill, worker, worker)

    def _kill_group(self, lot: float) -> bool:
        worker = _drawn(list(self._busy()), lot)
        return worker is not None and self._killed(os.killpg, worker, worker)

    def _killed(self, send: Callable[[int, int], None], target: int, worker: int | None) -> bool:
        self.senders_struck += worker in self._workers(self.queue)
        return _signalled(send, target, signal.SIGKILL)

    def _stop_horse(self, lot: float) -> bool:
        awake = [horse for horse in self._busy(self.queue).values() if horse not in self._sleepers]
        horse = _drawn(awake, lot)
        if horse is None or not _signalled(os.kill, horse, signal.SIGSTOP):
            return False
        self.senders_struck += 1
        self._sleepers[horse] = time.monotonic() + OVERSLEEPING * self.lease_seconds
        return True

    def _flush_redis(self, lot: float) -> bool:
        with self.installation.app.app_context(), suppress(redis.RedisError):
            return bool(get_redis().flushall())
        return False

    def _restart_redis(self, lot: float) -> bool:
        """End it; who looks after the installation starts it again."""
        server = self.installation.redis
        how = signal.SIGKILL if lot < 0.5 else signal.SIGTERM
        return server is not None and _signalled(os.kill, server.process_id, how)

    def _start_second_sweep(self, lot: float) -> bool:
        """It stays until the next one takes its place."""
        if self._second_sweep is not None:
            self._second_sweep.stop(at_once=lambda: True)
        program = campaigns_program("second sweep", "sweep")
        self._second_sweep = Supervisor([program], self.installation.environ, log=self.log)
        self._second_sweep.start()
        return True

    def _repeat_jobs(self, campaign_id: int) -> bool:
        with self.installation.app.app_context():
            rung = [
                enqueue(queue, job, *arguments)
                for queue, job, arguments in (
                    (CAMPAIGNS, execute_campaign, (campaign_id,)),
                    (CAMPAIGNS, deliver_batches, ()),
                    (PROVIDERS, deliver_provider_batches, ()),
                )
                for _ in range(2)
            ]
        return all(rung)

    def _cut_connections(self, lot: float) -> bool:
        self.senders_struck += len(self._workers(self.queue))
        address = self.installation.app.config["DATABASE_URL"].replace("+psycopg", "")
        with suppress(psycopg.OperationalError), psycopg.connect(address, autocommit=True) as own:
            cut = own.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return bool(cut.fetchall())
        return False

    def _restart_postgres(self, lot: float) -> bool:
        if self.postgres is None:
            return False
        self.senders_struck += len(self._workers(self.queue))
        self.postgres.stop(at_once=lot < 0.5)
        self.postgres.start()
        return True

    def _busy(self, *queues: str) -> dict[int, int]:
        """The work-horses of the workers that have a job now, by the worker, in a steady order."""
        horses = {worker: find_horse(worker) for worker in self._workers(*queues)}
        return {worker: horse for worker, horse in horses.items() if horse is not None}

    def _workers(self, *queues: str) -> list[int]:
        running = sorted(self.installation.supervisor.process_ids().items())
        return [process_id for name, process_id in running if name.startswith(queues or WORKERS)]

    def _wake(self, process_id: int) -> None:
        del self._sleepers[process_id]
        _signalled(os.kill, process_id, signal.SIGCONT)


def _drawn(victims: list[Victim], lot: float) -> Victim | None:
    return victims[int(lot * len(victims))] if victims else None


def _signalled(send: Callable[[int, int], None], target: int, number: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        send(target, number)
        return True
    return False
