"""A campaign of a template, in a browser."""

import os
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from campaigns_app.extensions import db
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.secrets import lock_secrets
from campaigns_app.inboxes.service import create_inbox
from campaigns_app.operations.simulator.process import LINES, SimulatorProcess, simulator_process
from tests.browser.conftest import OpenPage
from tests.factories import make_contact, make_inbox, make_label, make_template

VOUCHER = [
    {"type": "HEADER", "format": "IMAGE"},
    {"type": "BODY", "text": "{{1}} off until {{2}}."},
    {"type": "FOOTER", "text": "Reply STOP to opt out"},
    {
        "type": "BUTTONS",
        "buttons": [{"type": "URL", "text": "To the shop", "url": "https://shop.example/{{1}}"}],
    },
]


LINE = LINES["whatsapp"]
SECRETS = {name: text for name, text in LINE.settings.items() if not name.endswith("_id")}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """The provider, which is asked whether it accepts the inbox."""
    folder = tmp_path_factory.mktemp("simulator")
    with simulator_process(folder / "ledger", os.environ, folder / "log") as process:
        yield process


@pytest.fixture(autouse=True)
def inbox(
    app: Flask,
    account: Account,
    simulator: SimulatorProcess,
    keys: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Inbox:
    """An inbox that sends templates beside one that does not, and somebody to send to."""
    monkeypatch.setitem(app.config, "PROVIDER_BASE_URLS", (simulator.url,))
    make_inbox(account, name="Shop")
    draft = InboxDraft("Phones", LINE.channel.name, simulator.settings_for(LINE))
    inbox = create_inbox(account.id, draft)
    make_template(inbox, "Hello {{first_name}}, our sale begins!", name="summer_sale")
    make_template(inbox, name="voucher", components=VOUCHER)
    make_template(inbox, name="early", status="PENDING")
    make_contact(account, make_label(account, "vip"), name="Grace Hopper")
    return inbox


def open_form(page: Page) -> None:
    page.get_by_role("link", name="Create campaign").first.click()
    page.get_by_label("Title").fill("Summer")
    page.get_by_label("Select Inbox").select_option("Phones")
    # What the inbox brings with it moves what stands below.
    expect(page.locator(".htmx-request, .htmx-swapping")).to_have_count(0)
    page.get_by_label("vip").check()


def test_a_template_is_chosen_filled_in_and_seen(open_page: OpenPage) -> None:
    page = open_page()
    open_form(page)
    expect(page.get_by_label("Message", exact=True)).to_be_hidden()
    choice = page.get_by_label("WhatsApp Template")
    expect(choice.locator("option")).to_have_text(
        ["Select a template", "Summer sale (en_US)", "Voucher (en_US)"]
    )

    choice.select_option("Summer sale (en_US)")
    value = page.get_by_label("Text {{first_name}}")
    create = page.get_by_role("button", name="Create", exact=True)
    expect(create).to_be_disabled()
    value.focus()
    page.locator("#campaign-template").get_by_role("button", name="First name").click()

    expect(value).to_have_value("{{ contact.first_name }}")
    expect(page.locator("#template-preview")).to_contain_text("Hello Grace, our sale begins!")
    expect(page.locator("#template-preview")).to_contain_text("As Grace Hopper will see it.")
    page.get_by_label("Send now").check()
    create.click()

    expect(page.get_by_text("WhatsApp campaign created successfully")).to_be_visible()
    campaign = db.session.query(Campaign).one()
    assert campaign.message == "Hello {{ contact.first_name }}, our sale begins!"
    assert campaign.template_params is not None
    assert campaign.template_params["processed_params"] == {
        "body": {"first_name": "{{ contact.first_name }}"}
    }


def test_another_inbox_brings_the_message_back(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("link", name="Create campaign").first.click()
    page.get_by_label("Message", exact=True).fill("Hello")
    page.get_by_label("Select Inbox").select_option("Phones")
    expect(page.get_by_label("WhatsApp Template")).to_be_visible()

    page.get_by_label("Select Inbox").select_option("Shop")

    expect(page.get_by_label("WhatsApp Template")).to_have_count(0)
    expect(page.get_by_label("Message", exact=True)).to_have_value("Hello")


def test_a_mistake_is_shown_at_its_value_as_it_is_left(open_page: OpenPage) -> None:
    page = open_page()
    open_form(page)
    page.get_by_label("WhatsApp Template").select_option("Voucher (en_US)")

    page.get_by_label("Address of the image").fill("a.png")
    page.get_by_label("Text {{1}}").focus()

    errors = page.locator("[id='template-header-media_url-errors']")
    expect(errors).to_contain_text("Address of the image must be an address that begins")


def test_a_draft_brings_its_template_back(open_page: OpenPage) -> None:
    page = open_page()
    open_form(page)
    page.get_by_label("WhatsApp Template").select_option("Summer sale (en_US)")
    page.get_by_label("Text {{first_name}}").fill("Ana")
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Create campaign").first.click()

    expect(page.get_by_label("Text {{first_name}}")).to_have_value("Ana")


def test_without_script_the_form_grows_as_it_is_sent(open_page: OpenPage) -> None:
    page = open_page(script=False)
    open_form(page)
    page.get_by_label("Send now").check()
    create = page.get_by_role("button", name="Create", exact=True)

    create.click()
    page.get_by_label("WhatsApp Template").select_option("Summer sale (en_US)")
    create.click()
    page.get_by_label("Text {{first_name}}").fill("Ana")
    create.click()

    expect(page.get_by_text("WhatsApp campaign created successfully")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(open_page: OpenPage, inbox: Inbox, scheme: str) -> None:
    inbox_id = inbox.id
    make_template(inbox, "Word" * 60, name="long_" * 20)
    page = open_page(width=390, scheme=scheme)
    open_form(page)
    page.get_by_label("WhatsApp Template").select_option("Voucher (en_US)")
    expect(page.locator("#template-preview .bubble")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390

    page.goto(f"/inboxes/{inbox_id}/templates")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_what_stands_in_the_way_is_said_at_its_field(
    open_page: OpenPage, inbox: Inbox, session: Session
) -> None:
    inbox.channel.secrets = lock_secrets(SECRETS | {"api_key": "wrong"})
    session.commit()
    page = open_page()
    open_form(page)
    page.get_by_label("WhatsApp Template").select_option("Summer sale (en_US)")
    page.get_by_label("Text {{first_name}}").fill("{{ contact.first_name }}")
    page.get_by_label("Send now").check()

    page.get_by_role("button", name="Create", exact=True).click()

    refused = "The provider refuses this inbox: the access token is wrong"
    expect(page.locator("#inbox_id-errors")).to_contain_text(refused)
    expect(page.get_by_text(refused)).to_have_count(1)
    assert session.query(Campaign).all() == []
