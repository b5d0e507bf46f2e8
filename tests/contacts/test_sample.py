"""The sample file that comes with the package."""

import csv
from collections.abc import Iterator

import pytest

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.importing import import_contacts
from campaigns_app.contacts.labels import list_labels
from campaigns_app.data import FOLDER, SAMPLE_CONTACTS

LABELS = {"vip", "premium", "newsletter", "trial", "churn-risk"}


@pytest.fixture
def rows() -> Iterator[list[dict[str, str]]]:
    with (FOLDER / SAMPLE_CONTACTS).open(encoding="utf-8", newline="") as source:
        yield list(csv.DictReader(source))


def test_every_sample_contact_is_imported(account: Account) -> None:
    with (FOLDER / SAMPLE_CONTACTS).open("rb") as source:
        report = import_contacts(account.id, source, create_labels=True)

    assert (report.created, report.rejected_count) == (2000, 0)
    assert {label.title for label in list_labels(account.id)} == LABELS


def test_no_sample_contact_can_be_reached(rows: list[dict[str, str]]) -> None:
    reserved = ("+447700900", "+442079460", "+331990", "+6125550")
    for row in rows:
        number = row["phone_number"]
        assert row["email"].endswith(("@example.com", "@example.org", "@example.net"))
        assert number.startswith(reserved) or number[0:2] + number[5:10] == "+155501"


def test_every_sample_contact_carries_a_known_label(rows: list[dict[str, str]]) -> None:
    assert all(set(row["labels"].split(",")) <= LABELS for row in rows)
