"""What an administrator does with campaigns, in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from campaigns_app.accounts.models import Account, User
from campaigns_app.extensions import db
from tests.browser.conftest import OpenPage, log_in
from tests.factories import make_campaign, make_contact, make_inbox, make_label


@pytest.fixture(autouse=True)
def _scene(account: Account) -> None:
    """An inbox, and two labels with a few contacts."""
    make_inbox(account, name="Shop")
    vip, premium = make_label(account, "vip"), make_label(account, "premium")
    make_contact(account, vip, premium, name="Grace Hopper")
    make_contact(account, premium)
    make_contact(account, vip, blocked=True)


def test_a_campaign_is_made_and_sent(open_page: OpenPage, work: Callable[[], None]) -> None:
    page = open_page()
    expect(page.get_by_text("No campaigns are available")).to_be_visible()

    open_dialog(page)
    fill_in(page)
    page.get_by_label("Send now").check()
    page.get_by_role("button", name="Create", exact=True).click()

    expect(page.get_by_text("API campaign created successfully")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("row", name="Summer Promotion")).to_contain_text("Scheduled")

    work()

    expect(page.get_by_role("row", name="Summer Promotion")).to_contain_text("2 of 3 sent")
    page.get_by_role("link", name="Summer Promotion", exact=True).click()
    expect(page.get_by_role("row", name="Grace Hopper")).to_contain_text("Sent")
    page.get_by_role("link", name="Skipped").click()
    expect(page.locator("#campaign-recipients tbody tr")).to_have_count(1)
    assert page.url.endswith("?state=skipped")


def test_mistakes_are_shown_at_their_fields_as_they_are_left(open_page: OpenPage) -> None:
    page = open_page()
    open_dialog(page)
    send = page.get_by_role("button", name="Create", exact=True)

    page.keyboard.press("Tab")
    expect(page.locator("#title-errors")).to_have_text("Title is required")
    expect(page.get_by_label("Title")).to_have_attribute("aria-invalid", "true")
    page.keyboard.type("Hello {{ contact.nmae }}")
    page.get_by_label("Title").focus()
    expect(page.locator("#message-errors")).to_contain_text("unknown variable: contact.nmae")
    expect(send).to_be_disabled()

    fill_in(page)
    page.get_by_label("Sent by").focus()
    expect(page.locator("#message-errors")).to_be_empty()
    expect(send).to_be_enabled()


def test_what_the_server_refuses_is_shown_in_the_dialog(open_page: OpenPage) -> None:
    page = open_page()
    open_dialog(page)
    fill_in(page)
    page.get_by_label("Scheduled time", exact=True).fill("2020-01-01T10:00")

    page.get_by_role("button", name="Create", exact=True).click()

    errors = page.get_by_role("dialog").locator("#scheduled_at-errors")
    expect(errors).to_have_text("Scheduled time must be in the future")
    expect(page.get_by_label("Title")).to_have_value("Summer Promotion")
    expect(page.get_by_label("Scheduled time", exact=True)).to_be_focused()


def test_the_audience_is_counted_and_variables_are_offered(open_page: OpenPage) -> None:
    page = open_page()
    open_dialog(page)
    fill_in(page, message="Hello ")
    page.get_by_role("button", name="First name").click()

    expect(page.get_by_label("Message")).to_have_value("Hello {{ contact.first_name }}")
    expect(page.locator("#audience-count")).to_have_text(
        "2 contacts will be messaged of 3 who carry these labels; left out: 1 blocked."
    )
    expect(page.locator("output")).to_have_text("30 / 20,000")


def test_escape_closes_the_dialog_and_gives_the_focus_back(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("link", name="Create campaign").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title")).to_be_focused()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("link", name="Create campaign").first).to_be_focused()


def test_what_was_typed_survives_the_end_of_the_session(open_page: OpenPage, person: User) -> None:
    email = person.email
    page = open_page()
    open_dialog(page)
    fill_in(page)
    expect(page.locator("#audience-count")).to_contain_text("2 contacts")
    person.session_number += 1
    db.session.commit()

    page.get_by_role("button", name="Create", exact=True).click()
    log_in(page, email)
    open_dialog(page)

    expect(page.get_by_label("Title")).to_have_value("Summer Promotion")


def test_a_draft_comes_back_until_it_is_given_up(open_page: OpenPage) -> None:
    page = open_page()
    open_dialog(page)
    fill_in(page)
    page.keyboard.press("Escape")

    open_dialog(page)
    expect(page.get_by_label("Title")).to_have_value("Summer Promotion")
    expect(page.get_by_text("What you had typed before is back.")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()

    open_dialog(page)
    expect(page.get_by_label("Title")).to_have_value("")


def test_a_spinner_turns_while_the_list_is_fetched(open_page: OpenPage) -> None:
    page = open_page()
    waiting: list[Route] = []
    page.route("**/campaigns/table", lambda route: waiting.append(route))

    page.goto("/campaigns/")
    expect(page.get_by_text("Loading campaigns…")).to_be_visible()
    waiting.pop().continue_()

    expect(page.get_by_text("No campaigns are available")).to_be_visible()


def test_the_search_keeps_the_focus_and_names_what_it_seeks(
    open_page: OpenPage, account: Account
) -> None:
    make_campaign(account, title="Winter")
    make_campaign(account, title="Summer")
    page = open_page()

    page.get_by_label("Search campaigns").press_sequentially("wint")

    expect(page.locator("#campaigns-table tbody tr")).to_have_count(1)
    expect(page.get_by_label("Search campaigns")).to_be_focused()
    page.wait_for_url("**/campaigns/?q=wint")


def test_a_campaign_is_changed_and_deleted(open_page: OpenPage, account: Account) -> None:
    make_campaign(account, title="Winter", enabled=False)
    page = open_page()

    page.get_by_role("link", name="Edit Winter").click()
    page.get_by_label("Title").fill("Spring")
    page.get_by_label("vip").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Spring")).to_be_visible()

    page.get_by_role("link", name="Delete Spring").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No campaigns are available")).to_be_visible()
    expect(page.get_by_text("Campaign deleted successfully")).to_be_visible()


def test_without_script_everything_is_there(open_page: OpenPage) -> None:
    page = open_page(script=False)
    page.get_by_role("link", name="Create campaign").first.click()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#title-errors")).to_have_text("Title is required")

    write_into(page)
    page.get_by_label("premium").check()
    page.get_by_role("button", name="Create", exact=True).click()

    expect(page.get_by_text("API campaign created successfully")).to_be_visible()
    expect(page.get_by_role("row", name="Summer Promotion")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(open_page: OpenPage, account: Account, scheme: str) -> None:
    make_campaign(account, title="Word" * 60)
    page = open_page(width=390, scheme=scheme)
    expect(page.locator("#campaign-1")).to_be_visible()
    assert width_of(page) == 390

    open_dialog(page)
    assert width_of(page) == 390
    page.goto("/campaigns/1")
    assert width_of(page) == 390


def open_dialog(page: Page) -> None:
    """Open the form of a new campaign."""
    page.get_by_role("link", name="Create campaign").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


def fill_in(page: Page, message: str = "Hello {{ contact.first_name }}") -> None:
    """Fill in the form without a mistake: for three contacts, at the time it proposes."""
    write_into(page, message)
    # What is found out about both labels moves what stands below.
    with page.expect_response(lambda answer: answer.url.count("audience=") == 2):
        page.get_by_label("premium").check()
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def write_into(page: Page, message: str = "Hello {{ contact.first_name }}") -> None:
    """The same for the first of two labels, and without a script to wait for."""
    page.get_by_label("Title").fill("Summer Promotion")
    page.get_by_label("Message", exact=True).fill(message)
    page.get_by_label("Select Inbox").select_option("Shop")
    page.get_by_label("vip").check()


def width_of(page: Page) -> int:
    """How wide the page is, with what hangs over."""
    return int(page.evaluate("document.documentElement.scrollWidth"))
