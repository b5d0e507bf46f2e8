"""Running a campaign again, from its page."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.contacts.models import Label
from tests.factories import make_account, make_campaign, make_contact, make_label
from tests.statements import CountQueries

HTMX = {"HX-Request": "true"}
AGAIN = "/campaigns/1/run-again"


@pytest.fixture
def label(account: Account) -> Label:
    return make_label(account, "vip")


@pytest.fixture
def first(
    account: Account, label: Label, carry_out: Callable[[Campaign], None], session: Session
) -> Campaign:
    """A campaign of which two recipients failed, and one is unknown."""
    for _ in range(3):
        make_contact(account, label)
    campaign = make_campaign(account, label)
    carry_out(campaign)
    recipients = session.scalars(select(CampaignRecipient).order_by(CampaignRecipient.id)).all()
    for recipient, state in zip(recipients, ("failed", "failed", "unknown"), strict=True):
        recipient.state = state
    session.execute(update(CampaignBatch).values(sent=0, failed=2, unknown=1))
    session.commit()
    return campaign


@pytest.fixture
def sent_form(first: Campaign) -> dict[str, Any]:
    """The form of a follow-up as the page has filled it in."""
    return {
        "title": "Summer Promotion (again: failed)",
        "message": first.message,
        "inbox_id": first.inbox_id,
        "when": "now",
        "submission": "a number that was in the form",
    }


def test_the_ways_are_shown_with_how_many_each_is_for(
    admin_client: FlaskClient, first: Campaign, account: Account, label: Label
) -> None:
    make_contact(account, label)

    dialog = admin_client.get(AGAIN, headers=HTMX).text

    for follows, count in (("failed", 2), ("unknown", 1), ("new", 1)):
        assert f'hx-get="{AGAIN}/{follows}"' in dialog
        assert f'<span class="tab-count">{count}</span>' in dialog
    assert f"{AGAIN}/skipped" not in dialog
    assert "some may get it twice" in dialog


def test_the_form_starts_with_the_firsts_values_and_without_an_audience(
    admin_client: FlaskClient, first: Campaign
) -> None:
    form = admin_client.get(f"{AGAIN}/failed", headers=HTMX).text

    assert 'value="Summer Promotion (again: failed)"' in form
    assert "Hello {{ contact.first_name }}" in form
    assert "For the 2 recipients to whom the message could not be sent." in form
    assert 'name="audience"' not in form
    assert f'hx-post="{AGAIN}/failed"' in form


def test_who_may_have_the_message_is_warned_of(admin_client: FlaskClient, first: Campaign) -> None:
    page = admin_client.get(f"{AGAIN}/unknown").text

    assert "Who has it gets it a second time." in page
    assert "notice-warning" in page


def test_a_follow_up_is_made_and_shown_and_linked(
    admin_client: FlaskClient, sent_form: dict[str, Any]
) -> None:
    answer = admin_client.post(f"{AGAIN}/failed", data=sent_form, headers=HTMX)

    assert answer.headers["HX-Redirect"] == "/campaigns/2"
    page = admin_client.get("/campaigns/2").text
    assert "Follow-up created successfully" in page
    assert '<a href="/campaigns/1">Summer Promotion</a> · Failed' in page
    assert 'href="/campaigns/2">Summer Promotion (again: failed)</a>' in (
        admin_client.get("/campaigns/1").text
    )


def test_a_second_press_shows_the_same_follow_up(
    admin_client: FlaskClient, sent_form: dict[str, Any], session: Session
) -> None:
    addresses = [
        admin_client.post(f"{AGAIN}/failed", data=sent_form | {"submission": form}, headers=HTMX)
        for form in ("hers", "hers", "his")
    ]

    assert [answer.headers["HX-Redirect"] for answer in addresses] == ["/campaigns/2"] * 3
    assert "There is a follow-up for these already" in admin_client.get("/campaigns/2").text
    assert len(session.scalars(select(Campaign)).all()) == 2


def test_a_refused_form_says_what_is_wrong(
    admin_client: FlaskClient, sent_form: dict[str, Any]
) -> None:
    wrong = sent_form | {"title": " ", "message": "{{ contact.nmae }}"}

    answer = admin_client.post(f"{AGAIN}/failed", data=wrong, headers=HTMX)
    page = admin_client.post(f"{AGAIN}/failed", data=wrong)

    for refused in (answer, page):
        assert refused.status_code == 422
        assert "Title is required" in refused.text
        assert "unknown variable: contact.nmae" in refused.text


def test_a_follow_up_is_changed_without_an_audience_being_asked_for(
    admin_client: FlaskClient, sent_form: dict[str, Any], session: Session
) -> None:
    later = {"when": "later", "scheduled_at": "2035-01-01T10:00"}
    admin_client.post(f"{AGAIN}/failed", data=sent_form | later)
    assert 'name="audience"' not in admin_client.get("/campaigns/2/edit").text

    answer = admin_client.post("/campaigns/2/edit", data=sent_form | later | {"title": "Sorry"})

    assert answer.status_code == 303
    follow_up = session.scalars(select(Campaign).filter_by(display_id=2)).one()
    assert (follow_up.title, follow_up.follows) == ("Sorry", "failed")


@pytest.mark.parametrize("address", ["/campaigns/1/run-again", "/campaigns/1/run-again/new"])
def test_what_is_not_over_is_refused(
    admin_client: FlaskClient, account: Account, address: str
) -> None:
    make_campaign(account)

    answer = admin_client.get(address)

    assert answer.status_code == 422
    assert "not over" in answer.text


def test_nobody_left_is_refused(admin_client: FlaskClient, sent_form: dict[str, Any]) -> None:
    answer = admin_client.post(f"{AGAIN}/skipped", data=sent_form, headers=HTMX)

    assert answer.status_code == 422
    assert "nobody left who is skipped" in answer.headers["HX-Trigger"]


@pytest.mark.parametrize("path", ["", "/failed", "/nonsense"])
def test_what_is_not_there_is_not_found(admin_client: FlaskClient, path: str) -> None:
    make_campaign(make_account(), display_id=1)

    assert admin_client.get(f"/campaigns/1/run-again{path}").status_code == 404


def test_a_campaigns_page_costs_the_same_whatever_its_follow_ups(
    admin_client: FlaskClient, first: Campaign, account: Account, count_queries: CountQueries
) -> None:
    def add() -> None:
        make_campaign(account, follows_id=first.id, follows="new", inbox_id=first.inbox_id)

    add()
    few = count_queries(lambda: admin_client.get("/campaigns/1"))
    for _ in range(5):
        add()

    assert count_queries(lambda: admin_client.get("/campaigns/1")) == few
