"""Labels: their names, their use cases."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.labels import (
    LabelDraft,
    create_label,
    delete_label,
    get_label,
    list_labels,
    update_label,
)
from campaigns_app.contacts.models import ContactLabel
from campaigns_app.errors import InvalidInput, NotFound
from tests.factories import make_account, make_contact, make_label


@pytest.mark.parametrize(
    ("given", "title"),
    [
        (" VIP ", "vip"),
        ("churn-risk_2", "churn-risk_2"),
        ("24h", "24h"),
        ("ÜBER", "über"),
        ("客户", "客户"),
        ("वीआईपी", "वीआईपी"),
        ("u\u0308ber", "über"),
    ],
)
def test_a_title_is_kept_in_lower_case(account: Account, given: str, title: str) -> None:
    assert create_label(account, LabelDraft(given), actor=None).title == title


@pytest.mark.parametrize(
    "title", ["", " ", "a", "two words", "-vip", "_vip", "a,b", "né!", "x" * 256, "a\x00b"]
)
def test_a_title_that_breaks_the_rules_is_refused(account: Account, title: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_label(account, LabelDraft(title), actor=None)

    assert refused.value.fields == ["title"]


def test_a_title_occurs_once_in_an_account(account: Account) -> None:
    make_label(account, "vip")

    with pytest.raises(InvalidInput, match="a label with this name already"):
        create_label(account, LabelDraft("VIP"), actor=None)


def test_two_accounts_may_use_one_title(account: Account) -> None:
    make_label(make_account(), "vip")

    assert create_label(account, LabelDraft("vip"), actor=None).id


@pytest.mark.parametrize("color", ["", "red", "#12", "#1f93ff;}", "#1f93fg"])
def test_what_is_no_color_is_refused(account: Account, color: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_label(account, LabelDraft("vip", color=color), actor=None)

    assert refused.value.fields == ["color"]


def test_contacts_keep_a_label_that_is_renamed(account: Account) -> None:
    label = make_label(account, "vip")
    contact = make_contact(account, label)

    update_label(account, label.id, LabelDraft("gold", "Best customers", "#AABBCC"), actor=None)

    assert [one.title for one in contact.labels] == ["gold"]
    assert label.color == "#aabbcc"


def test_a_deleted_label_is_taken_off_every_contact(account: Account, session: Session) -> None:
    label = make_label(account)
    contact = make_contact(account, label)

    delete_label(account, label.id, actor=None)

    session.refresh(contact)
    assert contact.labels == []
    assert session.scalar(select(func.count()).select_from(ContactLabel)) == 0


def test_the_list_counts_the_contacts_of_each_label(account: Account) -> None:
    vip, trial = make_label(account, "vip"), make_label(account, "trial")
    make_contact(account, vip)
    make_contact(account, vip)
    make_label(make_account(), "theirs")

    counted = [(one.title, one.contact_count) for one in list_labels(account.id)]

    assert counted == [(trial.title, 0), (vip.title, 2)]


def test_another_accounts_label_does_not_exist_here(account: Account) -> None:
    theirs = make_label(make_account())

    with pytest.raises(NotFound):
        get_label(account.id, theirs.id)
    with pytest.raises(NotFound):
        delete_label(account, theirs.id, actor=None)
