"""Lists, for those who look at them and for those who go through them with the keyboard."""

import pytest
from playwright.sync_api import expect

from campaigns_app.accounts.models import Account
from tests.browser.conftest import OpenPage
from tests.factories import make_campaign, make_contact, make_label, make_suppression

UNBROKEN = "Averylongtitle" * 7


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_title_pushes_nothing_out_of_sight(
    open_page: OpenPage, account: Account, width: int
) -> None:
    make_campaign(account, make_label(account), title=UNBROKEN)

    page = open_page(width)

    expect(page.get_by_role("link", name=f"Delete {UNBROKEN}")).to_be_in_viewport(ratio=1)
    assert page.locator(".table-frame").evaluate("it => it.scrollWidth <= it.clientWidth")


def test_a_long_address_runs_into_no_other_column(open_page: OpenPage, account: Account) -> None:
    make_suppression(account, f"{'somebody.' * 7}else@university.example.org")
    page = open_page()

    page.goto("/suppressions")

    fits = "it => it.scrollWidth <= it.clientWidth"
    assert page.locator("td.cell-title").evaluate(fits)


def test_the_focus_stays_on_a_row_that_is_drawn_anew(open_page: OpenPage, account: Account) -> None:
    make_contact(account, name="Ada")
    page = open_page()
    page.goto("/contacts")

    page.get_by_role("button", name="Block Ada").press("Enter")

    expect(page.get_by_role("button", name="Unblock Ada")).to_be_focused()


def test_the_focus_stays_on_the_way_through_the_pages(
    open_page: OpenPage, account: Account
) -> None:
    label = make_label(account)
    for number in range(60):
        make_campaign(account, label, title=f"Number {number}")
    page = open_page()

    page.get_by_role("link", name="Next page").press("Enter")

    expect(page.get_by_text("Page 2 of")).to_be_visible()
    expect(page.get_by_role("link", name="Next page")).to_be_focused()
