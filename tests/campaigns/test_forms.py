"""What the form of a campaign accepts, and how it says what it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.fields import as_id
from campaigns_app.campaigns.models import Campaign
from campaigns_app.extensions import db
from tests.conftest import log_in
from tests.factories import make_account, make_campaign, make_inbox, make_label, make_user

BERLIN = ZoneInfo("Europe/Berlin")
HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "²", "9" * 5000, None])
def test_what_cannot_be_an_id_is_none(value: Any) -> None:
    assert as_id(value) is None


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("title", "  ", "Title is required"),
        ("title", "x" * 256, "Title must not be longer than 255 characters"),
        ("title", "a\x00b", "This contains characters that are not text"),
        ("message", "", "Message is required"),
        ("message", "x" * 20_001, "Message must not be longer than 20,000 characters"),
        ("message", "Hi {{ contact.nmae }}", "Message uses an unknown variable: contact.nmae"),
        ("message", "Hi {% if %}", "Message is not valid Liquid"),
        ("inbox_id", "", "Inbox is required"),
        ("inbox_id", "99999", "This inbox can no longer be used: choose another"),
        ("audience", [], "Audience is required"),
        ("audience", ["99999"], "A label that was chosen no longer exists"),
        ("sender_id", "99999", "This person is no longer a member of the account"),
    ],
)
def test_a_mistake_is_told_at_its_field(
    admin_client: FlaskClient, filled_in: dict[str, Any], field: str, value: Any, text: str
) -> None:
    answer = admin_client.post("/campaigns/", data=filled_in | {field: value}, headers=HTMX)

    assert answer.status_code == 422
    assert text in _errors_of(answer.text, field)
    assert db.session.scalars(select(Campaign)).all() == []


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("", "Scheduled time is required"),
        ("soon", "This is not a date with a time"),
        ("2026-11-24T11:58", "Scheduled time must be in the future"),
        ("2037-01-01T00:00", "Scheduled time must be within the next 10 years"),
        ("2027-03-28T02:30", "this time does not exist on that day"),
    ],
)
@time_machine.travel(datetime(2026, 11, 24, 11, 0, tzinfo=UTC), tick=False)
def test_a_time_that_cannot_be_meant_is_told(
    client: FlaskClient, app: Flask, time: str, text: str
) -> None:

    log_in(client, make_user(make_account(), time_zone="Europe/Berlin"))
    answer = client.post(
        "/campaigns/validate?field=scheduled_at", data={"when": "later", "scheduled_at": time}
    )

    assert text in _errors_of(answer.text, "scheduled_at")


def test_a_time_is_not_asked_for_when_it_is_now(
    admin_client: FlaskClient, filled_in: dict[str, Any]
) -> None:
    answer = admin_client.post("/campaigns/", data=filled_in | {"scheduled_at": "nonsense"})

    assert answer.status_code == 303


def test_another_accounts_inbox_and_label_are_told_as_gone(
    admin_client: FlaskClient, filled_in: dict[str, Any]
) -> None:
    other = make_account()
    theirs = {"inbox_id": make_inbox(other).id, "audience": [make_label(other).id]}

    answer = admin_client.post("/campaigns/", data=filled_in | theirs, headers=HTMX)

    assert "This inbox can no longer be used" in _errors_of(answer.text, "inbox_id")
    assert "no longer exists" in _errors_of(answer.text, "audience")


def test_what_was_typed_is_still_there(
    admin_client: FlaskClient, filled_in: dict[str, Any]
) -> None:
    answer = admin_client.post(
        "/campaigns/", data=filled_in | {"title": "", "message": "<b>Sale</b>"}
    )

    assert "&lt;b&gt;Sale&lt;/b&gt;</textarea>" in answer.text
    assert f'value="{filled_in["audience"][0]}" checked' in answer.text


def test_lines_end_as_the_person_counted_them(
    admin_client: FlaskClient, filled_in: dict[str, Any]
) -> None:
    admin_client.post("/campaigns/", data=filled_in | {"message": "a\r\n" * 10_000})

    assert db.session.scalars(select(Campaign)).one().message == "a\n" * 10_000


def test_the_same_form_sent_twice_makes_one_campaign(
    admin_client: FlaskClient, filled_in: dict[str, Any]
) -> None:
    answers = [admin_client.post("/campaigns/", data=filled_in) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(db.session.scalars(select(Campaign)).all()) == 1


def test_going_back_and_writing_something_else_makes_another(
    admin_client: FlaskClient, filled_in: dict[str, Any]
) -> None:
    admin_client.post("/campaigns/", data=filled_in)
    admin_client.post("/campaigns/", data=filled_in | {"title": "Winter"})

    titles = set(db.session.scalars(select(Campaign.title)))
    assert titles == {"Summer Promotion", "Winter"}


def test_the_next_full_hour_is_proposed(admin_client: FlaskClient, admin: User) -> None:
    admin.time_zone = "Asia/Kathmandu"
    db.session.commit()

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=False):
        page = admin_client.get("/campaigns/new").text
        local = datetime.now(ZoneInfo("Asia/Kathmandu"))

    proposed = (local + timedelta(hours=1)).strftime("%Y-%m-%dT%H:00")
    assert f'value="{proposed}"' in page
    assert "Asia/Kathmandu" in page


def test_a_time_left_as_it_is_keeps_its_seconds(
    admin_client: FlaskClient, account: Account, filled_in: dict[str, Any]
) -> None:
    at = (datetime.now(UTC) + timedelta(days=1)).replace(second=17, microsecond=5)
    make_campaign(account, scheduled_at=at)
    kept = {"when": "later", "scheduled_at": at.strftime("%Y-%m-%dT%H:%M")}

    admin_client.post("/campaigns/1/edit", data=filled_in | kept | {"title": "Other"})

    campaign = db.session.scalars(select(Campaign)).one()
    assert (campaign.title, campaign.scheduled_at) == ("Other", at)


def test_an_inbox_that_was_switched_off_stays_in_a_campaign_that_has_it(
    admin_client: FlaskClient, account: Account
) -> None:
    inbox = make_inbox(account, name="Old shop", enabled=False)
    make_campaign(account, inbox_id=inbox.id)

    assert "Old shop" in admin_client.get("/campaigns/1/edit").text
    assert "Old shop" not in admin_client.get("/campaigns/new").text


def _errors_of(page: str, field: str) -> str:
    """The text of the errors at a field."""
    return page.partition(f'id="{field}-errors"')[2].partition("</div>")[0]
