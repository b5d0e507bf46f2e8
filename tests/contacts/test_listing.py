"""The list of contacts: search, label, pages, at a fixed cost."""

import pytest

from campaigns_app.accounts.models import Account
from campaigns_app.contacts.listing import PAGE_SIZE, list_contacts
from tests.factories import make_account, make_contact, make_label
from tests.statements import noted_statements


@pytest.mark.parametrize(
    "search",
    ["souza", "ANA S", "ana@example", "+1 (415) 555-01", "4155550123", "crm-1", " Souza "],
)
def test_a_contact_is_found_by_a_part_of_what_it_is_known_by(account: Account, search: str) -> None:
    ana = make_contact(
        account,
        name="Ana Souza",
        email="ana@example.com",
        phone_number="+14155550123",
        identifier="crm-1",
    )
    make_contact(account, name="Bob", phone_number="+447700900123")

    assert list_contacts(account.id, search=search).contacts == [ana]


@pytest.mark.parametrize("search", ["%", "_", "\\", "nobody", "\x00", "\ud800"])
def test_signs_of_the_query_language_have_no_meaning(account: Account, search: str) -> None:
    make_contact(account)

    assert list_contacts(account.id, search=search).total == 0


def test_a_label_narrows_the_list(account: Account) -> None:
    label = make_label(account)
    carrier = make_contact(account, label)
    make_contact(account)

    assert list_contacts(account.id, label_id=label.id).contacts == [carrier]


def test_pages_begin_with_the_newest_and_end_with_the_last(account: Account) -> None:
    contacts = [make_contact(account) for _ in range(PAGE_SIZE + 1)]

    first, last = list_contacts(account.id), list_contacts(account.id, page=10**30)

    assert first.contacts[0] == contacts[-1]
    assert (first.pages, last.page) == (2, 2)
    assert last.contacts == contacts[:1]


def test_other_accounts_contacts_are_not_listed(account: Account) -> None:
    make_contact(make_account())

    assert list_contacts(account.id).total == 0


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_makes_three_queries(account: Account, count: int) -> None:
    label = make_label(account)
    for _ in range(count):
        make_contact(account, label)
    account_id = account.id

    with noted_statements() as statements:
        assert all(contact.labels for contact in list_contacts(account_id).contacts)

    assert len([one for one in statements if one.startswith("SELECT")]) == 3
