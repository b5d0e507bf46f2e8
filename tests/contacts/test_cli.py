"""`campaigns import-contacts`."""

from pathlib import Path

import pytest
from click.testing import Result
from flask.testing import FlaskCliRunner

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.cli import import_contacts_command
from campaigns_app.contacts.listing import list_contacts
from tests.factories import make_account, make_label


@pytest.fixture
def account(runner: FlaskCliRunner) -> Account:
    return make_account(name="Acme")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contacts.csv"
    path.write_text("name,phone_number,labels\nAna,020 7946 0123,vip\n")
    return path


def run(runner: FlaskCliRunner, *arguments: str | Path) -> Result:
    return runner.invoke(import_contacts_command, [str(argument) for argument in arguments])


def test_a_file_without_faults_ends_with_0(
    runner: FlaskCliRunner, account: Account, file: Path
) -> None:
    result = run(runner, file, "--create-labels", "--default-region", "GB")

    assert result.exit_code == 0, result.output
    assert "1 rows: 1 created" in result.output
    assert list_contacts(account.id).contacts[0].phone_number == "+442079460123"


def test_rejected_rows_are_printed_and_end_with_1(
    runner: FlaskCliRunner, account: Account, file: Path
) -> None:
    make_label(account, "vip")
    file.write_text("name,email,labels\nAna,ana@example.com,vip\n[red]\x1b[31m,x,vip\n")

    result = run(runner, file)

    assert result.exit_code == 1
    assert "1 created, 0 updated, 0 unchanged, 1 rejected" in result.output
    assert "3     email   This is not a valid e-mail address." in result.output


def test_a_file_without_a_header_ends_with_2(
    runner: FlaskCliRunner, account: Account, file: Path
) -> None:
    file.write_text("Ana;ana@example.com\n")

    result = run(runner, file)

    assert result.exit_code == 2
    assert "The first line must name the columns" in result.output


def test_one_of_several_accounts_must_be_named(
    runner: FlaskCliRunner, account: Account, file: Path
) -> None:
    other = make_account(name="Other")

    assert run(runner, file).exit_code == 2
    assert run(runner, file, "--account", "Nobody").exit_code == 2
    named = run(runner, file, "--account", "Other", "--create-labels", "--default-region", "GB")
    assert named.exit_code == 0
    assert list_contacts(other.id).total == 1


def test_without_an_account_it_says_how_to_make_one(runner: FlaskCliRunner, file: Path) -> None:
    result = run(runner, file)

    assert result.exit_code == 2
    assert "create-admin" in result.output
