"""Trying what stands in the form, in a browser: the form goes along, and is not sent."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from tests.browser.conftest import OpenPage
from tests.campaigns.test_trial import OWN, TextChannel
from tests.campaigns.test_trial import channel as channel
from tests.factories import make_contact, make_inbox, make_label


def test_a_form_is_tried_and_not_sent(
    session: Session, open_page: OpenPage, account: Account, channel: TextChannel
) -> None:
    label = make_label(account, "vip")
    make_contact(account, label, name="Ada")
    make_inbox(account, inbox_type=channel.name, name="Texts")
    page = open_page()

    page.click("#new-campaign")
    page.fill("#campaigns-form #message", "Hi {{ contact.name }}")
    page.check("#campaigns-form [name=audience]")
    page.click(".trial summary")
    page.fill(".trial #phone_number", OWN)
    page.press(".trial #phone_number", "Enter")
    page.wait_for_selector(".trial .notice-success")

    assert [(one.to, one.text) for one in channel.calls] == [(OWN, "[Test] Hi Ada")]
    assert page.input_value("#campaigns-form #message") == "Hi {{ contact.name }}"
    assert session.scalar(select(func.count()).select_from(Campaign)) == 0


def test_a_current_tab_at_the_end_is_seen_on_a_small_screen(open_page: OpenPage) -> None:
    page = open_page(width=390)

    page.goto("/campaigns/?channel=simulator")

    right = page.locator(".tab[aria-current]").evaluate("tab => tab.getBoundingClientRect().right")
    assert 0 < right <= 390
