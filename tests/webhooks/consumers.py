"""The consumers that README shows, run as they stand there."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

README = (Path(__file__).parent.parent.parent / "README.md").read_text()
LONGEST_START_SECONDS = 30


@dataclass(frozen=True)
class Consumer:
    """A running consumer: where it listens, and what it has printed so far."""

    url: str
    output: Path

    def printed(self) -> list[str]:
        """The lines that it has printed of events it believed."""
        lines = self.output.read_text().splitlines()
        return [line for line in lines if line.startswith("msg_")]


def shown_in_readme(language: str) -> str:
    """The consumer in `language`; there is one of each."""
    [code] = [
        block
        for block in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
        if "Webhook(" in block
    ]
    return str(code)


@contextmanager
def python_consumer(folder: Path, secret: str) -> Iterator[Consumer]:
    """The one in Python, served by Flask's own server."""
    (folder / "consumer.py").write_text(shown_in_readme("python"))
    port = _free_port()
    command = [sys.executable, "-m", "flask", "--app", "consumer", "run", "--port", str(port)]
    with _running(command, folder, {"WEBHOOK_SECRET": secret}, port) as consumer:
        yield consumer


@contextmanager
def javascript_consumer(folder: Path, secret: str, modules: Path) -> Iterator[Consumer]:
    """The one in JavaScript; `modules` is a folder in which its library is installed."""
    program = modules / f"{folder.name}.mjs"
    program.write_text(shown_in_readme("js"))
    port = _free_port()
    environment = {"WEBHOOK_SECRET": secret, "PORT": str(port)}
    with _running(["node", str(program)], folder, environment, port) as consumer:
        yield consumer


def install_npm_library(folder: Path) -> str | None:
    """Install the official library for Node.js; returns why that cannot be done here, if so."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "Node.js is not installed"
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
    done = subprocess.run([*command, "standardwebhooks@1"], capture_output=True, text=True)
    return done.stderr if done.returncode else None


@contextmanager
def _running(
    command: list[str], folder: Path, environment: Mapping[str, str], port: int
) -> Iterator[Consumer]:
    output = folder / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=file, stderr=file
        )
        try:
            _await_listening(process, port, output)
            yield Consumer(f"http://127.0.0.1:{port}/hook", output)
        finally:
            process.kill()
            process.wait()


def _await_listening(process: "subprocess.Popen[bytes]", port: int, output: Path) -> None:
    ends = time.monotonic() + LONGEST_START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the consumer did not start: {output.read_text()}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
