"""What an administrator does with a campaign that is there, in a browser."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.extensions import db
from tests.browser.conftest import OpenPage
from tests.browser.test_main_path import fill_in, open_dialog, width_of
from tests.factories import make_campaign, make_contact, make_inbox, make_label


@pytest.fixture
def campaign(account: Account) -> Campaign:
    """A campaign that is due, for three contacts."""
    label = make_label(account, "vip")
    make_label(account, "premium")
    for _ in range(3):
        make_contact(account, label)
    return make_campaign(account, label, inbox_id=make_inbox(account, name="Shop").id)


@pytest.fixture
def undo_seconds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is time enough to undo a start, however slow the machine."""
    monkeypatch.setitem(app.config, "UNDO_SECONDS", 120)


def start(campaign: Campaign) -> None:
    execute_campaign(campaign.id)
    db.session.rollback()


def fail(campaign: Campaign) -> None:
    """Carry the campaign out, to no avail."""
    start(campaign)
    deliver_batches()
    db.session.execute(update(CampaignRecipient).values(state="failed"))
    db.session.execute(update(CampaignBatch).values(sent=0, failed=3))
    db.session.commit()


def test_a_campaign_is_paused_and_resumed_while_it_is_sent(
    open_page: OpenPage, campaign: Campaign, work: Callable[[], None]
) -> None:
    start(campaign)
    page = open_page()
    page.get_by_role("link", name="Summer Promotion", exact=True).click()

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused with 0 of 3 done.")).to_be_visible()
    expect(badge(page)).to_have_text("Paused")
    expect(page.get_by_role("link", name="Delete")).to_have_count(0)
    work()
    expect(page.get_by_text("0 of 3 done", exact=True)).to_be_visible()

    page.get_by_role("button", name="Resume").click()
    expect(badge(page)).to_have_text("Sending")
    work()
    expect(badge(page)).to_have_text("Completed")


def test_a_campaign_is_cancelled_after_a_question(open_page: OpenPage, campaign: Campaign) -> None:
    start(campaign)
    page = open_page()
    page.get_by_role("link", name="Cancel Summer Promotion").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("0 have been messaged; 3 will not be.")
    dialog.get_by_role("link", name="Keep it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("link", name="Cancel Summer Promotion").click()
    page.get_by_role("button", name="Cancel campaign").click()

    expect(page.get_by_role("row", name="Summer Promotion")).to_contain_text("Cancelled")
    expect(page.get_by_role("link", name="Delete Summer Promotion")).to_be_visible()


@pytest.mark.usefixtures("campaign", "undo_seconds")
def test_a_start_is_undone_edited_and_resumed(open_page: OpenPage) -> None:
    page = open_page()
    open_dialog(page)
    fill_in(page)
    page.get_by_label("Title").fill("Autumn")
    page.get_by_label("Send now").check()
    page.get_by_role("button", name="Create", exact=True).click()
    row = page.get_by_role("row", name="Autumn")
    expect(row).to_contain_text("Starts in")

    row.get_by_role("button", name="Undo the start of Autumn").click()
    expect(page.get_by_text("Held: nothing has been sent.")).to_be_visible()
    expect(row).to_contain_text("Paused")
    page.get_by_role("link", name="Autumn", exact=True).click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Title").fill("Winter")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Winter")).to_be_visible()

    page.get_by_role("button", name="Resume").click()
    seconds = page.locator("[data-countdown]")
    expect(seconds).to_be_visible()
    shown = seconds.inner_text()
    expect(seconds).not_to_have_text(shown)
    page.get_by_role("button", name="Undo the start of Winter").click()
    expect(badge(page)).to_have_text("Paused")


def test_a_campaign_is_run_again_for_who_failed(
    open_page: OpenPage, campaign: Campaign, work: Callable[[], None]
) -> None:
    fail(campaign)
    page = open_page()
    page.get_by_role("link", name="Summer Promotion", exact=True).click()

    page.get_by_role("link", name="Run again").click()
    page.get_by_role("dialog").get_by_role("link", name="Failed").click()
    expect(page.get_by_label("Title")).to_have_value("Summer Promotion (again: failed)")
    expect(page.get_by_role("dialog")).to_contain_text("For the 3 recipients")
    page.get_by_role("textbox", name="Message").fill("Once more")
    page.get_by_role("button", name="Run again").click()

    page.wait_for_url("**/campaigns/2")
    expect(page.get_by_text("Follow-up created successfully")).to_be_visible()
    work()
    expect(badge(page)).to_have_text("Completed")
    expect(page.get_by_text("3 of 3 done")).to_be_visible()
    page.get_by_role("link", name="Summer Promotion", exact=True).click()
    expect(page.get_by_role("link", name="Summer Promotion (again: failed)")).to_be_visible()


def test_without_script_a_campaign_is_run_again_and_paused(
    open_page: OpenPage, campaign: Campaign, undo_seconds: None
) -> None:
    fail(campaign)
    page = open_page(script=False)
    page.goto("/campaigns/1")
    page.get_by_role("link", name="Run again").click()
    page.get_by_role("link", name="Failed").click()
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("Starts in")).to_be_visible()

    page.get_by_role("button", name="Undo the start").click()

    expect(page.get_by_text("Held: nothing has been sent.")).to_be_visible()
    expect(badge(page)).to_have_text("Paused")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_controls_fit_on_a_phone(
    open_page: OpenPage, campaign: Campaign, scheme: str, undo_seconds: None
) -> None:
    fail(campaign)
    page = open_page(width=390, scheme=scheme)
    page.goto("/campaigns/1")
    page.get_by_role("link", name="Run again").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert width_of(page) == 390

    page.get_by_role("dialog").get_by_role("link", name="Failed").click()
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url("**/campaigns/2")
    expect(page.get_by_text("Starts in")).to_be_visible()
    assert width_of(page) == 390


def badge(page: Page) -> Locator:
    """The state of the campaign whose page it is."""
    return page.locator(".page-header .badge")
