"""The pages of campaigns, with htmx and without."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaigns_app.accounts.models import CAMPAIGNS_FEATURE, Account, Role
from campaigns_app.campaigns.models import Campaign
from campaigns_app.extensions import db
from tests.conftest import log_in
from tests.factories import (
    LONG_AGO,
    make_account,
    make_campaign,
    make_contact,
    make_inbox,
    make_label,
    make_user,
)
from tests.statements import CountQueries

HTMX = {"HX-Request": "true"}
PAGES = ("", "/overview", "/recipients", "/edit", "/delete")
CarryOut = Callable[[Campaign], None]


def test_the_page_fetches_its_list_and_shows_that_it_does(admin_client: FlaskClient) -> None:
    page = admin_client.get("/campaigns/").text

    assert 'hx-get="/campaigns/table" hx-trigger="load"' in page
    assert "Loading campaigns…" in page


def test_without_script_the_list_is_in_the_page(
    admin_client: FlaskClient, account: Account
) -> None:
    make_campaign(account, title="Winter sale")

    page = admin_client.get("/campaigns/").text

    assert "Winter sale" in page.partition("<noscript><div")[2]


def test_an_empty_list_says_so_in_the_channels_words(admin_client: FlaskClient) -> None:
    table = admin_client.get("/campaigns/table?channel=api", headers=HTMX).text

    assert "No API campaigns are available" in table
    assert "Send custom messages through your API integration." in table
    assert 'hx-get="/campaigns/new?channel=api"' in table


def test_a_row_says_what_a_campaign_is(admin_client: FlaskClient, account: Account) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    inbox = make_inbox(account, name="Shop")
    label = make_label(account, "vip")
    make_campaign(account, label, title="Sale", inbox_id=inbox.id, scheduled_at=tomorrow)

    table = admin_client.get("/campaigns/table").text

    for text in ("Sale", "Hello {{ contact.first_name }}", "Scheduled", "Shop", "vip"):
        assert text in table


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"scheduled_at": LONG_AGO}, "Scheduled"),
        ({"enabled": False}, "Paused"),
        ({"started_at": LONG_AGO, "campaign_status": 1}, "Sending"),
        ({"finished_at": LONG_AGO, "campaign_status": 1}, "Completed"),
        ({"cancelled_at": LONG_AGO}, "Cancelled"),
        ({"failure": "the inbox is gone"}, "Failed"),
    ],
)
def test_a_status_is_shown(
    admin_client: FlaskClient, account: Account, values: dict[str, Any], status: str
) -> None:
    make_campaign(account, **values)

    assert f'">{status}</span>' in admin_client.get("/campaigns/table").text


def test_times_are_those_of_the_viewer(client: FlaskClient, app: Flask) -> None:
    account = make_account()
    log_in(client, make_user(account, time_zone="Asia/Tokyo"))
    make_campaign(account, scheduled_at=datetime(2026, 1, 1, 12, 0, tzinfo=UTC))

    assert "9:00 PM" in client.get("/campaigns/table").text


def test_the_newest_comes_first(admin_client: FlaskClient, account: Account) -> None:
    make_campaign(account, title="Older")
    make_campaign(account, title="Newer")

    table = admin_client.get("/campaigns/table").text

    assert table.index("Newer") < table.index("Older")


def test_the_search_looks_into_titles_and_messages(
    admin_client: FlaskClient, account: Account
) -> None:
    make_campaign(account, title="Winter", message="50% off")
    make_campaign(account, title="Summer", message="Nothing")

    table = admin_client.get("/campaigns/table?q=0%25").text

    assert "Winter" in table
    assert "Summer" not in table


def test_a_search_without_a_find_shows_what_was_sought(admin_client: FlaskClient) -> None:
    table = admin_client.get("/campaigns/table?q=%3Cb%3E%00").text

    assert "No campaigns match “&lt;b&gt;”" in table


def test_a_search_changes_the_address_of_the_page(admin_client: FlaskClient) -> None:
    page = {"HX-Current-URL": "http://localhost/campaigns/"}

    answer = admin_client.get("/campaigns/table?q=sale", headers=HTMX | page)

    assert answer.headers["HX-Push-Url"] == "/campaigns/?q=sale"


def test_what_the_page_fetches_by_itself_changes_no_address(admin_client: FlaskClient) -> None:
    page = {"HX-Current-URL": "http://localhost/campaigns/", "X-Background": "true"}

    answer = admin_client.get("/campaigns/table?q=sale", headers=HTMX | page)

    assert "HX-Push-Url" not in answer.headers


def test_a_channel_nobody_knows_is_not_found(admin_client: FlaskClient) -> None:
    assert admin_client.get("/campaigns/?channel=pigeon").status_code == 404


def test_a_channels_tab_shows_its_campaigns_only(
    admin_client: FlaskClient, account: Account
) -> None:
    pigeons = make_inbox(account, inbox_type="Pigeon")
    make_campaign(account, title="By pigeon", inbox_id=pigeons.id)

    assert "By pigeon" in admin_client.get("/campaigns/table").text
    assert "By pigeon" not in admin_client.get("/campaigns/table?channel=api").text


def test_a_page_behind_the_last_is_the_last(admin_client: FlaskClient, account: Account) -> None:
    for number in range(26):
        make_campaign(account, title=f"Campaign {number}.")

    for page in (2, 99999999):
        shown = admin_client.get(f"/campaigns/table?page={page}").text
        assert "Campaign 0." in shown
        assert "Campaign 1." not in shown


def test_the_list_costs_the_same_whatever_its_length(
    admin_client: FlaskClient, account: Account, count_queries: CountQueries, carry_out: CarryOut
) -> None:
    label = make_label(account)
    make_contact(account, label)
    carry_out(make_campaign(account, label))
    few = count_queries(lambda: admin_client.get("/campaigns/"))
    for _ in range(9):
        carry_out(make_campaign(account, label, make_label(account)))

    assert count_queries(lambda: admin_client.get("/campaigns/")) == few


def test_the_list_watches_what_is_being_sent_and_stops_by_itself(
    admin_client: FlaskClient, account: Account, carry_out: CarryOut
) -> None:
    campaign = make_campaign(account, scheduled_at=datetime.now(UTC))
    assert "every 2s" in admin_client.get("/campaigns/table").text

    carry_out(campaign)

    assert "every " not in admin_client.get("/campaigns/table").text


def test_the_list_looks_again_shortly_before_a_campaign_is_due(
    admin_client: FlaskClient, account: Account
) -> None:
    make_campaign(account, scheduled_at=datetime.now(UTC) + timedelta(minutes=11, seconds=-1))

    assert "every 59" in admin_client.get("/campaigns/table").text


@pytest.mark.parametrize("values", [{}, {"enabled": False, "scheduled_at": datetime.now(UTC)}])
def test_nobody_watches_what_does_not_move(
    admin_client: FlaskClient, account: Account, values: dict[str, Any]
) -> None:
    make_campaign(account, **values)

    assert "every " not in admin_client.get("/campaigns/table").text


def test_the_form_comes_as_a_dialog_or_as_a_page(admin_client: FlaskClient) -> None:
    dialog = admin_client.get("/campaigns/new?channel=api", headers=HTMX).text
    page = admin_client.get("/campaigns/new?channel=api").text

    assert "<dialog" in dialog
    assert "Create API campaign" in dialog
    assert "<dialog" not in page
    assert 'hx-post="/campaigns/?channel=api"' not in page


def test_a_created_campaign_is_announced(
    admin_client: FlaskClient, filled_in: dict[str, Any]
) -> None:
    answer = admin_client.post("/campaigns/", data=filled_in, headers=HTMX)

    assert answer.status_code == 204
    assert "campaign-created" in answer.headers["HX-Trigger"]
    assert "API campaign created successfully" in answer.headers["HX-Trigger"]
    assert "Summer Promotion" in admin_client.get("/campaigns/table").text


def test_without_htmx_the_list_follows(
    admin_client: FlaskClient, filled_in: dict[str, Any]
) -> None:
    answer = admin_client.post("/campaigns/", data=filled_in)

    assert (answer.status_code, answer.location) == (303, "/campaigns/")
    assert "API campaign created successfully" in admin_client.get("/campaigns/").text


def test_a_refused_form_comes_back_alone_or_as_a_page(admin_client: FlaskClient) -> None:
    part = admin_client.post("/campaigns/", data={"title": ""}, headers=HTMX)
    page = admin_client.post("/campaigns/", data={"title": ""})

    assert (part.status_code, page.status_code) == (422, 422)
    assert part.text.lstrip().startswith("<form")
    assert "<html" in page.text


def test_a_session_that_has_ended_leads_the_whole_page_to_the_login(
    client: FlaskClient, app: Flask
) -> None:
    answer = client.post("/campaigns/", data={"title": "Sale"}, headers=HTMX)

    assert answer.headers["HX-Redirect"].startswith("/login")


def test_a_field_is_checked_when_it_is_left(admin_client: FlaskClient) -> None:
    wrong = admin_client.post("/campaigns/validate?field=title", data={"title": ""}, headers=HTMX)
    right = admin_client.post("/campaigns/validate?field=title", data={"title": "S"}, headers=HTMX)

    assert "Title is required" in wrong.text
    assert "is required" not in right.text


@pytest.mark.parametrize("field", ["", "nothing", "csrf_token", "__init__"])
def test_a_field_that_is_none_is_not_found(admin_client: FlaskClient, field: str) -> None:
    assert admin_client.post(f"/campaigns/validate?field={field}").status_code == 404


def test_the_audience_is_counted_while_it_is_chosen(
    admin_client: FlaskClient, account: Account
) -> None:
    vip, premium = make_label(account), make_label(account)
    make_contact(account, vip, premium)
    make_contact(account, premium)
    make_contact(account, vip, blocked=True)
    chosen = {"inbox_id": make_inbox(account).id, "audience": [vip.id, premium.id]}

    answer = admin_client.get("/campaigns/audience-count", query_string=chosen)

    assert "2 contacts will be messaged</strong> of 3" in answer.text
    assert "left out: 1 blocked." in answer.text


def test_another_accounts_contacts_are_not_counted(
    admin_client: FlaskClient, account: Account
) -> None:
    other = make_account()
    theirs = make_label(other)
    make_contact(other, theirs)
    chosen = {"inbox_id": make_inbox(account).id, "audience": [theirs.id, "9" * 30]}

    answer = admin_client.get("/campaigns/audience-count", query_string=chosen)

    assert "0 contacts will be messaged" in answer.text


def test_a_campaign_is_changed_before_it_starts(
    admin_client: FlaskClient, account: Account, filled_in: dict[str, Any]
) -> None:
    make_campaign(account, scheduled_at=datetime.now(UTC) + timedelta(days=1))

    answer = admin_client.post("/campaigns/1/edit", data=filled_in | {"title": "Autumn"})

    assert answer.status_code == 303
    assert db.session.scalars(select(Campaign.title)).all() == ["Autumn"]


def test_a_campaign_that_has_started_is_not_changed(
    admin_client: FlaskClient, account: Account, filled_in: dict[str, Any]
) -> None:
    make_campaign(account, campaign_status=1, started_at=LONG_AGO)

    answer = admin_client.post("/campaigns/1/edit", data=filled_in, headers=HTMX)

    assert answer.status_code == 422
    assert "This campaign has started and can no longer be changed" in answer.text
    assert admin_client.get("/campaigns/1/edit", headers=HTMX).status_code == 422


def test_a_campaign_is_deleted_after_a_question(
    admin_client: FlaskClient, account: Account
) -> None:
    make_campaign(account)
    question = admin_client.get("/campaigns/1/delete", headers=HTMX).text
    answer = admin_client.post("/campaigns/1/delete", headers=HTMX)

    assert "Are you sure to delete?" in question
    assert "campaign-deleted" in answer.headers["HX-Trigger"]
    assert db.session.scalars(select(Campaign)).all() == []


def test_deleting_what_was_sent_says_what_stays(
    admin_client: FlaskClient, account: Account
) -> None:
    make_campaign(account, campaign_status=1, finished_at=LONG_AGO)

    assert "The conversations it opened stay." in admin_client.get("/campaigns/1/delete").text


def test_deleting_from_its_own_page_leads_to_the_list(
    admin_client: FlaskClient, account: Account
) -> None:
    make_campaign(account)

    answer = admin_client.post("/campaigns/1/delete?leave=1", headers=HTMX)

    assert answer.headers["HX-Redirect"] == "/campaigns/"
    assert "Campaign deleted successfully" in admin_client.get("/campaigns/").text


def test_a_campaign_that_is_being_sent_is_not_deleted(
    admin_client: FlaskClient, account: Account
) -> None:
    make_campaign(account, campaign_status=1, started_at=LONG_AGO)

    assert admin_client.post("/campaigns/1/delete").status_code == 422
    assert len(db.session.scalars(select(Campaign)).all()) == 1


def test_the_page_of_a_campaign_counts_its_recipients_by_state(
    admin_client: FlaskClient, account: Account, carry_out: CarryOut
) -> None:
    label = make_label(account)
    make_contact(account, label, name="Reached")
    make_contact(account, label, name="Silenced", blocked=True)
    carry_out(make_campaign(account, label))

    page = admin_client.get("/campaigns/1").text

    for text in ("2 of 2 done", "Reached", "#1", "Silenced", "Blocked"):
        assert text in page


def test_recipients_are_shown_by_state(
    admin_client: FlaskClient, account: Account, carry_out: CarryOut
) -> None:
    label = make_label(account)
    make_contact(account, label, name="Reached")
    make_contact(account, label, name="Silenced", blocked=True)
    carry_out(make_campaign(account, label))

    part = admin_client.get("/campaigns/1/recipients?state=skipped&page=7", headers=HTMX)

    assert "Silenced" in part.text
    assert "Reached" not in part.text


def test_a_campaign_that_reached_nobody_says_so(
    admin_client: FlaskClient, account: Account, carry_out: CarryOut
) -> None:
    campaign = make_campaign(account, make_label(account))
    assert "Not started yet" in admin_client.get("/campaigns/1").text

    carry_out(campaign)

    assert "Nobody was reached" in admin_client.get("/campaigns/1").text


def test_the_recipients_hear_of_progress(
    admin_client: FlaskClient, account: Account, carry_out: CarryOut
) -> None:
    label = make_label(account)
    make_contact(account, label)
    carry_out(make_campaign(account, label))

    news = admin_client.get("/campaigns/1/overview?done=0", headers=HTMX)
    none = admin_client.get("/campaigns/1/overview?done=1", headers=HTMX)

    assert "campaign-progressed" in news.headers["HX-Trigger"]
    assert "HX-Trigger" not in none.headers


def test_why_a_campaign_failed_is_shown(admin_client: FlaskClient, account: Account) -> None:
    make_campaign(account, failure="The inbox was deleted", campaign_status=1)

    assert "The inbox was deleted" in admin_client.get("/campaigns/1").text


@pytest.mark.parametrize("page", PAGES)
def test_another_accounts_campaign_is_not_found(admin_client: FlaskClient, page: str) -> None:
    make_campaign(make_account())

    assert admin_client.get(f"/campaigns/1{page}").status_code == 404


@pytest.mark.parametrize("action", ["edit", "delete", "validate?field=title"])
def test_another_accounts_campaign_is_not_touched(
    admin_client: FlaskClient, filled_in: dict[str, Any], action: str
) -> None:
    make_campaign(make_account(), title="Theirs")

    assert admin_client.post(f"/campaigns/1/{action}", data=filled_in).status_code == 404
    assert db.session.scalars(select(Campaign.title)).all() == ["Theirs"]


def test_an_agent_is_refused(client: FlaskClient, app: Flask) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    assert client.get("/campaigns/").status_code == 403
    assert client.post("/campaigns/", data={}).status_code == 403


def test_an_account_without_campaigns_is_refused(client: FlaskClient, app: Flask) -> None:
    log_in(client, make_user(make_account(features={CAMPAIGNS_FEATURE: False})))

    assert client.get("/campaigns/").status_code == 403
