"""The buttons of a campaign, and the moment in which a start can be undone."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from campaigns_app.accounts.models import Account, AuditEntry, Role
from campaigns_app.campaigns.jobs import close_cancelled_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.states import Phase
from campaigns_app.contacts.models import Label
from campaigns_app.database.types import utcnow
from tests.conftest import log_in
from tests.factories import (
    LONG_AGO,
    make_account,
    make_campaign,
    make_contact,
    make_label,
    make_user,
)

HTMX = {"HX-Request": "true"}
DEEDS = ("pause", "resume", "cancel")


@pytest.fixture
def undo_seconds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> int:
    """A start can be undone for that long, as it can unless the settings say otherwise."""
    monkeypatch.setitem(app.config, "UNDO_SECONDS", 10)
    return 10


@pytest.fixture
def label(account: Account) -> Label:
    label = make_label(account)
    for _ in range(3):
        make_contact(account, label)
    return label


@pytest.fixture
def scheduled(account: Account, label: Label) -> Campaign:
    return make_campaign(account, label, scheduled_at=utcnow() + timedelta(days=1))


@pytest.fixture
def sending(account: Account, label: Label) -> Campaign:
    campaign = make_campaign(account, label)
    execute_campaign(campaign.id)
    return campaign


@pytest.fixture
def press(admin_client: FlaskClient) -> Callable[[Campaign, str], TestResponse]:
    """Press a campaign's button."""
    return lambda campaign, deed: admin_client.post(
        f"/campaigns/{campaign.display_id}/{deed}", headers=HTMX
    )


def toast_of(answer: TestResponse) -> str:
    toast: dict[str, str] = json.loads(answer.headers["HX-Trigger"])["toast"]
    return toast["message"]


def test_pausing_says_how_far_it_got_and_what_comes_next(press: Any, sending: Campaign) -> None:
    answer = press(sending, "pause")

    assert answer.status_code == 204
    assert "campaign-updated" in answer.headers["HX-Trigger"]
    assert toast_of(answer) == (
        "Paused with 0 of 3 done. Nobody else is messaged until you resume it."
    )
    assert sending.phase is Phase.PAUSED


def test_pausing_before_the_start_says_that_nothing_was_sent(
    press: Any, scheduled: Campaign
) -> None:
    assert toast_of(press(scheduled, "pause")).startswith("Held: nothing has been sent.")


def test_resuming_says_when_it_goes_on(press: Any, sending: Campaign, scheduled: Campaign) -> None:
    for campaign in (sending, scheduled):
        press(campaign, "pause")

    assert toast_of(press(sending, "resume")) == "Resumed: sending goes on where it stopped."
    assert toast_of(press(scheduled, "resume")) == "Resumed: it starts at its time."


def test_cancelling_asks_first_and_says_whom_it_spares(
    admin_client: FlaskClient, press: Any, sending: Campaign
) -> None:
    question = admin_client.get(f"/campaigns/{sending.display_id}/cancel", headers=HTMX).text
    assert "0 have been messaged; 3 will not be." in question
    assert "<dialog" in question

    answer = press(sending, "cancel")
    close_cancelled_batches()

    assert toast_of(answer) == "Cancelled: 0 contacts had been messaged, nobody else will be."
    assert count_states(sending.id) == Counts(total=3, cancelled=3)


def test_cancelling_before_the_start_says_that_nobody_was_messaged(
    admin_client: FlaskClient, press: Any, scheduled: Campaign
) -> None:
    question = admin_client.get(f"/campaigns/{scheduled.display_id}/cancel").text
    assert "nobody has been messaged, and nobody will be" in question
    assert "<dialog" not in question

    assert toast_of(press(scheduled, "cancel")).startswith("Cancelled: nobody was messaged.")


@pytest.mark.parametrize("deed", DEEDS)
def test_pressing_twice_is_pressing_once(
    press: Any, sending: Campaign, deed: str, session: Session
) -> None:
    if deed == "resume":
        press(sending, "pause")
    answers = [press(sending, deed).status_code for _ in range(2)]

    assert answers == [204, 204]
    done = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}[deed]
    entries = session.scalars(select(AuditEntry).filter_by(action=f"campaign.{done}")).all()
    assert [entry.subject_id for entry in entries] == [sending.id]


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_over_is_refused_with_the_reason(
    press: Any, account: Account, label: Label, carry_out: Callable[[Campaign], None], deed: str
) -> None:
    campaign = make_campaign(account, label)
    carry_out(campaign)

    answer = press(campaign, deed)

    assert answer.status_code == 422
    assert toast_of(answer) == "The campaign is over"


def test_without_htmx_the_campaigns_page_follows(
    admin_client: FlaskClient, sending: Campaign
) -> None:
    answer = admin_client.post(f"/campaigns/{sending.display_id}/pause", follow_redirects=True)

    assert answer.request.path == f"/campaigns/{sending.display_id}"
    assert "Paused with 0 of 3 done." in answer.text


@pytest.mark.parametrize("deed", DEEDS)
def test_another_accounts_campaign_is_left_alone(
    admin_client: FlaskClient, deed: str, session: Session
) -> None:
    other = make_account()
    campaign = make_campaign(other, make_label(other), display_id=77)

    answer = admin_client.post(f"/campaigns/77/{deed}", headers=HTMX)

    assert answer.status_code == 404
    session.refresh(campaign)
    assert campaign.phase is Phase.SCHEDULED


def test_an_agent_presses_nothing(client: FlaskClient, account: Account, label: Label) -> None:
    campaign = make_campaign(account, label)
    log_in(client, make_user(account, role=Role.AGENT))

    assert client.post(f"/campaigns/{campaign.display_id}/pause").status_code == 403


PAUSED = {"enabled": False}
STARTED = {"started_at": LONG_AGO, "campaign_status": 1}


@pytest.mark.parametrize(
    ("values", "offered"),
    [
        ({}, {"pause", "edit", "cancel", "delete"}),
        (PAUSED, {"resume", "edit", "cancel", "delete"}),
        (STARTED, {"pause", "cancel"}),
        (STARTED | PAUSED, {"resume", "cancel"}),
        (STARTED | {"finished_at": LONG_AGO}, {"run-again", "delete"}),
        (STARTED | {"cancelled_at": LONG_AGO}, {"run-again", "delete"}),
        ({"campaign_status": 1, "failure": "The inbox is disabled"}, {"run-again", "delete"}),
    ],
    ids=["scheduled", "held", "sending", "paused", "finished", "cancelled", "failed"],
)
def test_a_page_offers_what_would_not_be_refused(
    admin_client: FlaskClient, account: Account, values: dict[str, Any], offered: set[str]
) -> None:
    campaign = make_campaign(account, **values)

    page = admin_client.get(f"/campaigns/{campaign.display_id}/overview").text

    deeds = ("pause", "resume", "edit", "cancel", "delete", "run-again")
    assert {deed for deed in deeds if f"/campaigns/1/{deed}" in page} == offered


@pytest.mark.parametrize("enabled", [True, False])
def test_what_is_under_way_is_not_deleted(
    admin_client: FlaskClient, sending: Campaign, session: Session, enabled: bool
) -> None:
    sending.enabled = enabled
    session.commit()

    answer = admin_client.post(f"/campaigns/{sending.display_id}/delete", headers=HTMX)

    assert answer.status_code == 422
    assert "cancel it" in toast_of(answer)
    assert count_states(sending.id).total == 3


def test_what_is_sent_now_waits_a_moment_and_says_so(
    admin_client: FlaskClient, filled_in: dict[str, Any], session: Session, undo_seconds: int
) -> None:
    before = utcnow()
    admin_client.post("/campaigns/", data=filled_in, headers=HTMX)

    campaign = session.scalars(select(Campaign)).one()
    execute_campaign(campaign.id)
    assert campaign.scheduled_at is not None
    assert campaign.scheduled_at >= before + timedelta(seconds=undo_seconds)
    assert campaign.phase is Phase.SCHEDULED
    for page in ("/campaigns/table", "/campaigns/1", "/campaigns/1/overview"):
        shown = admin_client.get(page).text
        assert "Starts in" in shown
        assert "data-countdown>" in shown
        assert 'action="/campaigns/1/pause"' in shown


def test_a_start_that_was_undone_can_be_edited_resumed_or_deleted(
    admin_client: FlaskClient,
    press: Any,
    filled_in: dict[str, Any],
    session: Session,
    undo_seconds: int,
) -> None:
    admin_client.post("/campaigns/", data=filled_in, headers=HTMX)
    campaign = session.scalars(select(Campaign)).one()
    press(campaign, "pause")
    assert campaign.phase is Phase.PAUSED

    changed = filled_in | {"title": "Autumn"}
    assert admin_client.post("/campaigns/1/edit", data=changed, headers=HTMX).status_code == 204
    before = utcnow()
    assert "You can still undo that." in toast_of(press(campaign, "resume"))
    session.refresh(campaign)
    assert campaign.title == "Autumn"
    assert campaign.scheduled_at is not None
    assert campaign.scheduled_at >= before + timedelta(seconds=undo_seconds)

    press(campaign, "pause")
    assert admin_client.post("/campaigns/1/delete", headers=HTMX).status_code == 204


def test_without_a_window_now_is_now(
    admin_client: FlaskClient, filled_in: dict[str, Any], session: Session
) -> None:
    admin_client.post("/campaigns/", data=filled_in, headers=HTMX)

    campaign = session.scalars(select(Campaign)).one()
    execute_campaign(campaign.id)

    assert campaign.started_at is not None


def test_a_campaign_far_away_is_not_counted_down(
    admin_client: FlaskClient, scheduled: Campaign, undo_seconds: int
) -> None:
    assert "data-countdown" not in admin_client.get("/campaigns/table").text


def test_two_who_save_the_same_get_one_and_the_second_is_told(
    admin_client: FlaskClient, app: Flask, account: Account, filled_in: dict[str, Any], session: Any
) -> None:
    other = log_in(app.test_client(), make_user(account))
    admin_client.post("/campaigns/", data=filled_in, headers=HTMX)

    answer = other.post("/campaigns/", data=filled_in | {"submission": "other"}, headers=HTMX)

    assert answer.status_code == 204
    assert "campaign-created" in answer.headers["HX-Trigger"]
    assert "saved a moment ago" in toast_of(answer)
    assert len(session.scalars(select(Campaign)).all()) == 1
