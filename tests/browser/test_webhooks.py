"""The delivery log in a real browser: it is live, and leads from an event to its requests."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.browser.conftest import OpenPage
from tests.factories import make_endpoint
from tests.webhooks.scenes import tell


@pytest.fixture
def endpoint(session: Session, account: Account) -> WebhookEndpoint:
    """An endpoint with two events that wait."""
    endpoint = make_endpoint(account, name="Shop")
    tell(session, endpoint)
    return endpoint


@pytest.fixture
def log(open_page: OpenPage, session: Session, endpoint: WebhookEndpoint) -> Page:
    """The page of the endpoint."""
    path = f"/webhooks/{endpoint.id}"
    session.rollback()
    page: Page = open_page()
    page.goto(path)
    return page


def finish(session: Session, **values: Any) -> None:
    """As if a worker had been there."""
    for delivery in session.query(WebhookDelivery):
        delivery.state = "delivered"
    session.commit()


def test_the_log_shows_what_happens_while_it_is_looked_at(log: Page, session: Session) -> None:
    expect(log.locator("#webhook-log .badge").first).to_have_text("Waiting")

    finish(session)

    expect(log.locator("#webhook-log .badge").first).to_have_text("Delivered")


def test_the_focus_stays_where_it_is_while_the_log_goes_on(log: Page, session: Session) -> None:
    log.get_by_role("link", name="message_created").focus()

    finish(session)

    expect(log.locator("#webhook-log .badge").first).to_have_text("Delivered")
    expect(log.get_by_role("link", name="message_created")).to_be_focused()


def test_what_was_chosen_stays_chosen_while_the_log_goes_on(log: Page, session: Session) -> None:
    log.get_by_label("State").select_option("pending")
    log.get_by_label("Event").select_option("message_created")
    expect(log.locator("#webhook-log tbody tr")).to_have_count(1)
    finish(session)

    expect(log.get_by_text("Nothing found")).to_be_visible()
