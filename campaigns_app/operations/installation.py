"""An installation in one folder: its settings, its stores and all its processes."""

import ipaddress
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.exc import OperationalError

from campaigns_app import create_app
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db
from campaigns_app.job_queue import is_reachable
from campaigns_app.operations.data_folder import DataFolder
from campaigns_app.operations.embedded import EmbeddedRedis
from campaigns_app.operations.supervisor import Program, Supervisor, campaigns_program
from campaigns_app.operations.worker import worker_programs

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs: `app` for the use of this process, and everything else behind `look()`.

    `environ` is what its processes were started with."""

    app: Flask
    address: str
    environ: Mapping[str, str]
    supervisor: Supervisor
    redis: EmbeddedRedis | None

    def look(self) -> None:
        """Start again whatever has died. To be called often."""
        if self.redis is not None:
            self.redis.look()
        self.supervisor.look()


@contextmanager
def running_installation(
    folder: DataFolder,
    listener: socket.socket,
    environ: Mapping[str, str],
    *,
    log: Path | None = None,
    at_once: Callable[[], bool] = lambda: False,
) -> Iterator[Installation]:
    """Everything running, stores migrated, for as long as the block lasts; then all is ended.

    `folder` is held by the caller. `environ` says what differs from an installation of its own:
    with `DATABASE_URL` or `REDIS_URL` in it, those stores are used. The processes write to `log`,
    or to standard error; `at_once` may cut short the time they get to end. Raises `ConfigError`
    or `CannotStart`, with nothing left running.
    """
    redis = None if _is_set(environ, "REDIS_URL") else EmbeddedRedis(folder.path / "valkey")
    supervisor = app = None
    try:
        address = web_address(listener)
        environ = complete_environ(environ, folder, redis, address)
        app = create_app(environ)
        if redis is not None:
            redis.start()
        prepare_stores(app)
        supervisor = Supervisor(_programs(app, listener), environ, log=log)
        supervisor.start()
        yield Installation(app, address, environ, supervisor, redis)
    finally:
        if supervisor is not None:
            supervisor.stop(at_once=at_once)
        if app is not None:
            close_database(app)
        if redis is not None:
            redis.stop()


def complete_environ(
    environ: Mapping[str, str], folder: DataFolder, redis: EmbeddedRedis | None, address: str
) -> dict[str, str]:
    """`environ` with the settings of an installation of its own for those that are not set."""
    own: dict[str, Callable[[], str]] = {
        "SECRET_KEY": folder.secret_key,
        "ENCRYPTION_KEYS": folder.encryption_key,
        "DATABASE_URL": lambda: _database_url(folder.path),
        "REDIS_URL": lambda: redis.url if redis is not None else "",
        "PUBLIC_URL": lambda: address,
    }
    complete = dict(environ)
    for name, value in own.items():
        if not _is_set(complete, name):
            complete[name] = value()
    if not _is_set(complete, "COOKIE_SECURE") and _is_plain_loopback(complete["PUBLIC_URL"]):
        # Browsers would keep back a secure cookie here. Nobody can listen in on this machine's
        # own interface.
        complete["COOKIE_SECURE"] = "false"
    return complete


def installed_environ(environ: Mapping[str, str], path: Path) -> Mapping[str, str]:
    """`environ`, with the settings of the installation in `path` where there is one and
    `DATABASE_URL` is not set. It may be running, or not: then there is no queue."""
    folder = DataFolder(path)
    if _is_set(environ, "DATABASE_URL") or not folder.is_used():
        return environ
    return {
        "SECRET_KEY": folder.secret_key(),
        "ENCRYPTION_KEYS": folder.encryption_key(),
        "DATABASE_URL": _database_url(folder.path),
        "REDIS_URL": EmbeddedRedis.url_in(folder.path / "valkey"),
        **{name: value for name, value in environ.items() if value.strip()},
    }


def prepare_stores(app: Flask) -> None:
    """See that both stores answer, and migrate the database. Raises `CannotStart`."""
    migrate_database(app)
    with app.app_context():
        if not is_reachable():
            raise CannotStart("Redis does not answer: look at REDIS_URL, and whether it runs.")


def migrate_database(app: Flask) -> None:
    """Bring the database's schema up to date. Raises `CannotStart` when it does not answer."""
    with app.app_context():
        try:
            upgrade()
        except OperationalError as error:
            raise CannotStart(
                f"The database does not answer ({str(error.orig).strip()}): look at DATABASE_URL."
            ) from error


def close_database(app: Flask) -> None:
    """Close this process's connections to the database."""
    with app.app_context():
        db.engine.dispose()


def web_address(listener: socket.socket) -> str:
    """The address a browser on this machine reaches `listener` at."""
    host, port = listener.getsockname()[:2]
    known = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
    spelled = f"[{host}]" if ":" in host else host
    return f"http://{known.get(host, spelled)}:{port}"


def _database_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'campaigns.sqlite3'}"


def _programs(app: Flask, listener: socket.socket) -> list[Program]:
    number = listener.fileno()
    web = campaigns_program("web", "web", "--socket", str(number), sockets=(number,))
    return [web, campaigns_program("sweep", "sweep"), *worker_programs(app, (), None)]


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name, "").strip())


def _is_plain_loopback(url: str) -> bool:
    if not url.startswith("http://"):
        return False
    host = url.removeprefix("http://").rsplit(":", 1)[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
