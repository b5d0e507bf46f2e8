"""How an audience has changed since somebody looked."""

from datetime import timedelta

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap64
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.drift import Drift, measure_drift, pack_ids, remember_look
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import Label
from tests.factories import LONG_AGO, make_campaign, make_contact, make_label, make_user


def look(session: Session, campaign: Campaign, user: User) -> None:
    remember_look(session, campaign, get_channels().get("API"), user.id, LONG_AGO)


def drift(session: Session, campaign: Campaign, user: User) -> Drift | None:
    return measure_drift(session, campaign, get_channels().get("API"), user.id)


def make_scheduled(account: Account, label: Label) -> Campaign:
    for _ in range(6):
        make_contact(account, label)
    return make_campaign(account, label)


@given(st.sets(st.integers(min_value=1, max_value=2**63 - 1)))
def test_ids_are_the_same_when_unpacked(ids: set[int]) -> None:
    assert set(BitMap64.deserialize(pack_ids(ids))) == ids


def test_who_has_not_looked_is_told_of_no_drift(
    session: Session, account: Account, admin: User
) -> None:
    assert drift(session, make_scheduled(account, make_label(account)), admin) is None


def test_nothing_has_changed_right_after_a_look(
    session: Session, account: Account, admin: User
) -> None:
    campaign = make_scheduled(account, make_label(account))

    look(session, campaign, admin)

    assert drift(session, campaign, admin) == Drift(LONG_AGO, 0, 0)


def test_five_who_came_and_five_who_went_are_told(
    session: Session, account: Account, admin: User
) -> None:
    label = make_label(account)
    campaign = make_scheduled(account, label)
    leaving = [make_contact(account, label) for _ in range(5)]
    look(session, campaign, admin)
    for one in leaving[:3]:
        session.delete(one)
    for one in leaving[3:]:
        one.blocked = True
    session.commit()
    for _ in range(5):
        make_contact(account, label)

    assert drift(session, campaign, admin) == Drift(LONG_AGO, 5, 5)


def test_a_change_is_told_until_it_has_been_seen(
    session: Session, account: Account, admin: User
) -> None:
    label = make_label(account)
    campaign = make_scheduled(account, label)
    look(session, campaign, admin)
    make_contact(account, label)
    assert [drift(session, campaign, admin) for _ in range(2)] == [Drift(LONG_AGO, 1, 0)] * 2

    look(session, campaign, admin)

    assert drift(session, campaign, admin) == Drift(LONG_AGO, 0, 0)


def test_one_persons_look_takes_nothing_from_another(
    session: Session, account: Account, admin: User
) -> None:
    label = make_label(account)
    campaign = make_scheduled(account, label)
    other = make_user(account)
    look(session, campaign, other)
    make_contact(account, label)

    look(session, campaign, admin)

    assert drift(session, campaign, other) == Drift(LONG_AGO, 1, 0)


def test_there_is_no_drift_once_it_has_started(
    app: Flask, session: Session, account: Account, admin: User
) -> None:
    label = make_label(account)
    campaign = make_scheduled(account, label)
    look(session, campaign, admin)
    start_campaign(session, get_channels(), campaign.id, 100)
    make_contact(account, label)

    look(session, campaign, admin)

    assert drift(session, campaign, admin) is None


def test_there_is_no_drift_once_it_is_cancelled(
    session: Session, account: Account, admin: User
) -> None:
    campaign = make_scheduled(account, make_label(account))
    look(session, campaign, admin)
    campaign.cancelled_at = LONG_AGO + timedelta(days=1)
    session.commit()

    assert drift(session, campaign, admin) is None
