"""Of a large audience some are looked at, from all over it; of a small one all."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns import sampling
from campaigns_app.campaigns.sampling import Recipients
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.contacts.models import ContactLabel, Label
from campaigns_app.operations.bench.seeding import make_contacts
from tests.factories import make_contact, make_label


@pytest.fixture
def ten(session: Session, account: Account) -> tuple[Label, list[int]]:
    """An audience in which ten can be written to, with their ids, and ten cannot."""
    label = make_label(account)
    ids = []
    for number in range(10):
        make_contact(account, label, phone_number=None)
        ids.append(make_contact(account, label, phone_number=f"+1415555{number:04d}").id)
    return label, ids


def recipients(label: Label, total: int, most: int) -> Recipients:
    matched = matched_contacts(Selection(label.account_id, (label.id,)))
    return Recipients(matched, TwilioSmsChannel(), total, most)


def ids_of(recipients: Iterable[Mapping[str, Any]]) -> list[int]:
    return [one["id"] for one in recipients]


@pytest.mark.parametrize("held", [3, 10])
def test_everybody_can_be_gone_through_again(
    ten: tuple[Label, list[int]], held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    label, ids = ten
    monkeypatch.setattr(sampling, "MOST_HELD", held)
    monkeypatch.setattr(sampling, "READ_AT_ONCE", 4)

    everybody = recipients(label, 10, most=10)

    assert everybody.is_everybody
    assert [ids_of(everybody), ids_of(everybody), len(everybody)] == [ids, ids, 10]


@pytest.mark.parametrize("size", [9, 4, 1])
def test_of_too_many_there_are_as_many_as_a_sample_has_and_none_who_is_left_out(
    ten: tuple[Label, list[int]], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    label, ids = ten
    monkeypatch.setattr(sampling, "MOST_HELD", 9)
    monkeypatch.setattr(sampling, "SAMPLE", size)

    some = recipients(label, 10, most=9)

    assert not some.is_everybody
    assert len(some) == len(ids_of(some)) == size
    assert set(ids_of(some)) <= set(ids)
    assert ids_of(some) == ids_of(some.some)


@pytest.mark.parametrize("every", [1, 2, 7])
def test_each_tenth_of_the_audience_gives_about_a_tenth_of_them(
    session: Session, account: Account, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "MOST_HELD", 200)
    monkeypatch.setattr(sampling, "SAMPLE", 200)
    label = make_label(account)
    make_contacts(session, account.id, label.id, 7000, every=every)
    total = session.scalar(select(func.count()).where(ContactLabel.label_id == label.id)) or 0
    everybody = ids_of(recipients(label, total, most=total))

    some = ids_of(recipients(label, total, most=200))

    assert len(everybody) == total
    places = {id: place for place, id in enumerate(everybody)}
    tenths = [10 * places[id] // total for id in some]
    assert [10 < tenths.count(tenth) < 30 for tenth in range(10)] == [True] * 10
