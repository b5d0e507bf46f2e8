"""The card of a campaign's audience, with htmx and without."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import AudienceLook, Campaign
from campaigns_app.contacts.models import Label
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_inbox,
    make_label,
    make_suppression,
)

HTMX = {"HX-Request": "true"}
CARD = "/campaigns/1/audience"
LOOK = "/campaigns/1/audience/look"


@pytest.fixture
def label(account: Account) -> Label:
    """The label of the audience: of two who will be messaged and one who is blocked."""
    label = make_label(account, "vip")
    make_contact(account, label, name="Ada Lovelace")
    make_contact(account, label)
    make_contact(account, label, name="Bob", blocked=True)
    return label


@pytest.fixture
def campaign(account: Account, label: Label) -> Campaign:
    """A campaign that has not started."""
    return make_campaign(account, label)


@pytest.mark.usefixtures("campaign")
def test_the_campaigns_page_fetches_the_card(admin_client: FlaskClient) -> None:
    page = admin_client.get("/campaigns/1").text

    assert f'hx-get="{CARD}" hx-trigger="load"' in page
    assert f'<a href="{CARD}">' in page.partition("<noscript>")[2]


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("headers", [HTMX, {}])
def test_the_card_shows_the_funnel(admin_client: FlaskClient, headers: dict[str, str]) -> None:
    answer = admin_client.get(CARD, headers=headers).text

    for text in ("Match the audience", "Blocked", "−1", "Opted out", "Will be messaged"):
        assert text in answer
    assert ("<!doctype html>" in answer.lower()) is (not headers)


def test_after_the_start_it_is_of_the_ledger(
    admin_client: FlaskClient, campaign: Campaign, carry_out: Callable[[Campaign], None]
) -> None:
    carry_out(campaign)

    card = admin_client.get(CARD, headers=HTMX).text

    assert "As it was when the campaign started" in card
    assert "audience-drift" not in card


@pytest.mark.usefixtures("campaign")
def test_looking_is_remembered_by_the_page_and_not_by_the_request(
    admin_client: FlaskClient, session: Session
) -> None:
    card = admin_client.get(CARD, headers=HTMX).text
    assert f'hx-post="{LOOK}" hx-swap="outerHTML" hx-trigger="load"' in card
    assert session.scalar(select(AudienceLook.id)) is None

    answer = admin_client.post(LOOK, headers=HTMX)

    assert "Nobody has come or gone" in answer.text
    assert session.scalar(select(AudienceLook.id)) is not None


@pytest.mark.usefixtures("campaign")
def test_drift_is_shown_until_it_is_marked_as_seen(
    admin_client: FlaskClient, account: Account, label: Label
) -> None:
    admin_client.post(LOOK, headers=HTMX)
    make_suppression(account, make_contact(account, label).email)
    make_contact(account, label)
    for _ in range(2):
        card = admin_client.get(CARD, headers=HTMX).text
        assert "1 more" in card
        assert "Mark as seen" in card

    assert admin_client.post(LOOK).location == CARD

    assert "Nobody has come or gone" in admin_client.get(CARD, headers=HTMX).text


@pytest.mark.usefixtures("campaign")
def test_a_contact_is_explained(admin_client: FlaskClient) -> None:
    answer = admin_client.get(f"{CARD}/why?q=bob", headers=HTMX).text

    assert "Will be left out: blocked." in answer
    assert "vip" in answer


@pytest.mark.usefixtures("campaign")
def test_without_script_the_search_leads_to_the_whole_page(admin_client: FlaskClient) -> None:
    answer = admin_client.get(f"{CARD}/why?q=lovelace", follow_redirects=True).text

    assert "Will be messaged when the campaign starts" in answer
    assert "Match the audience" in answer


@pytest.mark.usefixtures("campaign")
def test_a_search_for_nobody_says_so(admin_client: FlaskClient) -> None:
    answer = admin_client.get(f"{CARD}/why?q=<b>nobody", headers=HTMX).text

    assert "No contact is found for “&lt;b&gt;nobody”." in answer


def test_what_became_of_a_recipient_is_told(
    admin_client: FlaskClient, campaign: Campaign, carry_out: Callable[[Campaign], None]
) -> None:
    carry_out(campaign)

    answer = admin_client.get(f"{CARD}/why?q=lovelace", headers=HTMX).text

    for text in ("Was messaged.", "Conversation", "#1"):
        assert text in answer


def test_a_channel_that_is_gone_is_named(admin_client: FlaskClient, account: Account) -> None:
    make_campaign(account, inbox_id=make_inbox(account, inbox_type="Pigeon").id)

    answer = admin_client.get(CARD)

    assert answer.status_code == 422
    assert "Pigeon" in answer.text


@pytest.mark.parametrize("page", [CARD, f"{CARD}/why?q=a"])
def test_another_accounts_audience_is_not_found(admin_client: FlaskClient, page: str) -> None:
    make_campaign(make_account())

    assert admin_client.get(page, headers=HTMX).status_code == 404


def test_another_accounts_audience_is_not_looked_at(
    admin_client: FlaskClient, session: Session
) -> None:
    make_campaign(make_account())

    assert admin_client.post(LOOK, headers=HTMX).status_code == 404
    assert session.scalar(select(AudienceLook.id)) is None
