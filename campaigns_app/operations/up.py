"""`campaigns up`: a whole installation under one process."""

import os
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from campaigns_app.accounts.service import SETUP_LINK_HOURS, make_setup_link
from campaigns_app.database.types import utcnow
from campaigns_app.errors import Refused
from campaigns_app.operations.data_folder import DataFolder
from campaigns_app.operations.installation import running_installation
from campaigns_app.operations.signals import CaughtSignals
from campaigns_app.operations.supervisor import LOOK_SECONDS
from campaigns_app.operations.web import open_socket


def run_up(host: str, port: int, data: Path, say: Callable[[str], None]) -> None:
    """Run web, workers, sweep and embedded stores until SIGINT or SIGTERM, then end them all.

    `say` prints a line for the person at the terminal. Raises `ConfigError` or `CannotStart`
    before anything runs.
    """
    with (
        open_socket(host, port) as listener,
        DataFolder(data) as folder,
        CaughtSignals() as signals,
        running_installation(
            folder, listener, os.environ, at_once=lambda: signals.count > 1
        ) as installation,
    ):
        say(f"Campaigns is at {installation.address}    (Ctrl-C ends it)")
        _say_setup_link(installation.app, say)
        while not signals.wait(LOOK_SECONDS):
            installation.look()
        say("Ending…")


def _say_setup_link(app: Flask, say: Callable[[str], None]) -> None:
    """On an installation that nobody can log in to yet, say how to become its administrator."""
    with app.app_context():
        try:
            token = make_setup_link(utcnow())
        except Refused:
            return  # There is somebody already.
    path = app.url_map.bind("").build("accounts.setup", {"token": token})
    say(
        f"Become its administrator, once and within {SETUP_LINK_HOURS} hours:\n"
        f"    {app.config['PUBLIC_URL']}{path}"
    )
