"""`campaigns bench`: what it refuses, and what it leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.cli import cli
from campaigns_app.errors import CannotStart
from campaigns_app.operations.bench.registry import CASES, choose
from tests.factories import make_account
from tests.operations.processes import wait_until


def test_an_unknown_row_is_refused_with_the_names_there_are() -> None:
    result = CliRunner().invoke(cli, ["bench", "--only", "luck"])

    assert result.exit_code == 2
    assert "'luck' is not one of" in result.output
    assert all(name in result.output for name in CASES)


def test_two_databases_are_refused() -> None:
    result = CliRunner().invoke(cli, ["bench", "--postgres", "--database", "sqlite:///x"])

    assert result.exit_code == 2
    assert "exclude each other" in result.output


def test_only_the_rows_that_were_named_are_measured() -> None:
    assert choose(["webhooks_vs_client", "api_vs_floor"], "sqlite") == [
        "api_vs_floor",
        "webhooks_vs_client",
    ]


def test_all_rows_are_measured_where_none_is_named() -> None:
    assert choose([], "postgresql") == list(CASES)
    assert choose([], "sqlite") == [name for name in CASES if name != "workers_2_vs_1"]


def test_two_workers_on_sqlite_are_refused() -> None:
    with pytest.raises(CannotStart, match="workers_2_vs_1 needs PostgreSQL: add --postgres"):
        choose(["workers_2_vs_1"], "sqlite")


def test_a_database_that_is_somebodys_is_left_alone(app: Flask, session: Session) -> None:
    account = make_account(name="Somebody's")

    result = CliRunner().invoke(cli, ["bench", "--quick", "--database", app.config["DATABASE_URL"]])

    assert result.exit_code == 1
    assert "name an empty database with --database" in result.output
    assert session.get_one(Account, account.id).name == "Somebody's"


def test_a_benchmark_that_is_ended_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "campaigns_app", "bench", "--quick"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        # The log is written by the first process that has work.
        wait_until(lambda: list(tmp_path.glob("campaigns-bench-*/bench.log")))
        process.terminate()

    assert process.returncode == 1
    assert list(tmp_path.glob("campaigns-*")) == []
