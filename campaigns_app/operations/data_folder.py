"""The folder in which `campaigns up` and `campaigns demo` keep what is theirs."""

import fcntl
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe
from typing import IO

from cryptography.fernet import Fernet

from campaigns_app.errors import CannotStart

LOCK = "lock"
KEY = "secret-key"
ENCRYPTION_KEY = "encryption-key"


class DataFolder:
    """A folder that one process holds at a time, as long as it is used as a context.

    The system gives the lock back when the process ends, however it ends. Entering raises
    `CannotStart` when another process holds the folder, or when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: IO[str] | None = None

    def __enter__(self) -> "DataFolder":
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Opened without cutting it: it may name the process that holds the folder.
            self._lock = (self.path / LOCK).open("a+")
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.path} cannot be written ({error.strerror}). "
                "Name another one with --data."
            ) from error
        self._take(self._lock)
        return self

    def __exit__(self, *reason: object) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def is_used(self) -> bool:
        """Whether an installation has been made in it."""
        return (self.path / KEY).exists()

    def secret_key(self) -> str:
        """The installation's secret key, made at the first call; only the owner can read it."""
        return self._kept(KEY, lambda: token_urlsafe(48))

    def encryption_key(self) -> str:
        """The same of the key that encrypts the secrets of channels."""
        return self._kept(ENCRYPTION_KEY, lambda: Fernet.generate_key().decode())

    def empty(self) -> None:
        """Delete everything in the folder but the lock."""
        for entry in self.path.iterdir():
            if entry.name == LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        path = self.path / name
        with suppress(FileNotFoundError):
            return path.read_text().strip()
        key = make()
        # Written aside first: a key that was cut short would spoil everything and go unnoticed.
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(key)
        draft.replace(path)
        return key

    def _take(self, lock: IO[str]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            self._lock = None
            raise CannotStart(
                f"The data folder {self.path} is in use by process {holder}. "
                "End that one first, or name another folder with --data."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
