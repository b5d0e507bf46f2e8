"""The command line."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, User
from campaigns_app.accounts.service import authenticate
from campaigns_app.cli import cli
from campaigns_app.database.types import utcnow
from campaigns_app.operations.data_folder import DataFolder
from tests.factories import make_account

ADMIN = ["create-admin", "--email", "ada@example.com", "--name", "Ada"]


def run(folder: Path, environ: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """The exit status and the messages of `campaigns` in a process, started in `folder`."""
    inherited = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-m", "campaigns_app", *arguments],
        env={**inherited, **environ},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_missing_and_wrong_settings_are_named_before_anything_starts(tmp_path: Path) -> None:
    status, message = run(tmp_path, {"REDIS_URL": "ftp://nowhere"}, "worker")

    assert status == 2
    assert "SECRET_KEY is not set" in message
    assert "DATABASE_URL is not set" in message
    assert "REDIS_URL is wrong: it must start with redis://" in message
    assert "Traceback" not in message


def test_a_wrong_setting_stops_up_before_it_makes_anything(tmp_path: Path) -> None:
    status, message = run(tmp_path, {"SWEEP_SECONDS": "soon"}, "up", "--port", "0")

    assert status == 2
    assert "SWEEP_SECONDS is wrong: it must be a whole number" in message
    assert not (tmp_path / "instance" / "campaigns.sqlite3").exists()


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_busy_port_is_a_clear_message(tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        result = CliRunner().invoke(cli, [command, "--port", port, "--data", str(tmp_path)])

    assert result.exit_code == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in result.output
    assert "--port" in result.output


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_folder_in_use_is_a_clear_message(tmp_path: Path, command: str) -> None:
    with DataFolder(tmp_path):
        result = CliRunner().invoke(cli, [command, "--port", "0", "--data", str(tmp_path)])

    assert result.exit_code == 1
    assert f"The data folder {tmp_path} is in use by process" in result.output


def test_a_database_without_tables_is_a_clear_message(tmp_path: Path) -> None:
    stores = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
        "REDIS_URL": "unix:///nowhere",
        "SECRET_KEY": "x" * 32,
    }

    status, message = run(tmp_path, stores, "sweep", "--once")

    assert status == 1
    assert "has `campaigns migrate` been run?" in message
    assert "Traceback" not in message


def test_an_administrator_can_log_in_with_the_password_that_is_printed(
    app: Flask, session: Session, runner: FlaskCliRunner
) -> None:
    result = runner.invoke(cli, ADMIN)

    assert result.exit_code == 0, result.output
    password = result.output.partition("Password: ")[2].split()[0]
    assert authenticate("ada@example.com", password, device=None, now=utcnow()).name == "Ada"


def test_an_administrator_joins_the_only_account(
    app: Flask, session: Session, runner: FlaskCliRunner
) -> None:
    account = make_account()

    runner.invoke(cli, ADMIN)

    user = session.scalars(select(User)).one()
    assert user.memberships[0].account_id == account.id


def test_an_administrator_with_a_wrong_address_leaves_nothing_behind(
    app: Flask, session: Session, runner: FlaskCliRunner
) -> None:
    result = runner.invoke(cli, [*ADMIN, "--email", "nonsense"])

    assert result.exit_code == 1
    assert session.scalars(select(Account)).all() == []


def test_several_accounts_need_to_be_told_apart(
    app: Flask, session: Session, runner: FlaskCliRunner
) -> None:
    make_account(name="North")
    make_account(name="South")

    result = runner.invoke(cli, ADMIN)

    assert "name one with --account (North, South)" in result.output


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])

    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(cli, ["--version"]).output.startswith("campaigns ")
