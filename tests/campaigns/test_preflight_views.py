"""Looking ahead on pages: in the form while it is written, and on the campaign's own."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from campaigns_app.channels.provider import AccountPause
from campaigns_app.contacts.models import Label
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Inbox
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_inbox,
    make_label,
    make_template,
    make_user,
    set_up,
)
from tests.scripted import ScriptedChannel
from tests.statements import CountQueries, noted_statements

TWILIO = {"account_sid": "AC1", "phone_number": "+14155550000"}


@pytest.fixture
def label(account: Account) -> Label:
    """The audience: one person."""
    label = make_label(account)
    make_contact(account, label, name="Ada")
    return label


@pytest.fixture
def texts(account: Account, keys: list[str]) -> Inbox:
    """An inbox that sends SMS."""
    return set_up(make_inbox(account, inbox_type="Twilio SMS"), TWILIO, auth_token="secret")


@pytest.fixture
def scripts(account: Account, scripted: ScriptedChannel, keys: list[str]) -> Inbox:
    """An inbox whose provider says what the test wants."""
    inbox = make_inbox(account, inbox_type="Scripted")
    make_template(inbox, "Our sale begins", name="summer")
    return set_up(inbox, {"account_sid": "AC1"}, auth_token="secret")


def make_scripted(account: Account, label: Label, inbox: Inbox) -> Campaign:
    later = utcnow() + timedelta(days=1)
    params = {"name": "summer", "language": "en_US"}
    return make_campaign(
        account, label, inbox_id=inbox.id, scheduled_at=later, template_params=params
    )


def test_the_form_says_how_many_segments_and_what_forces_unicode(
    admin_client: FlaskClient, label: Label, texts: Inbox
) -> None:
    data = {"message": "x" * 70 + "—", "inbox_id": texts.id, "audience": [label.id], "when": "now"}

    page = admin_client.post("/campaigns/preflight", data=data).text

    assert "2 segments in all." in page
    assert "written for Ada, takes 2" in page
    assert "1 of 1 messages go out as Unicode" in page
    assert "“—”</span> U+2014 EM DASH" in page


@pytest.mark.parametrize("page", ["preflight", "template-preview"])
def test_nobody_of_another_account_is_shown(
    admin_client: FlaskClient, account: Account, label: Label, keys: list[str], page: str
) -> None:
    inbox = make_inbox(account, inbox_type="Whatsapp")
    make_template(inbox, "Hello {{1}}", name="hello")
    stranger = make_user(make_account(name="Other"), name="Vic Żtim")
    texts = {"message": "{{ agent.name }}", "template": "hello/en_US", "template_shown": "hello"}
    data = {"inbox_id": inbox.id, "audience": [label.id], "when": "now"} | texts
    data |= {"template-body-1": "{{ agent.name }}", "sender_id": stranger.id}

    answer = admin_client.post(f"/campaigns/{page}", data=data)

    assert answer.status_code == 200
    assert "Vic" not in answer.text
    assert "Ż" not in answer.text


def test_a_message_that_nobody_can_get_stands_in_the_way(
    admin_client: FlaskClient, label: Label, texts: Inbox
) -> None:
    data = {"message": "x" * 1601, "inbox_id": texts.id, "audience": [label.id], "when": "now"}

    page = admin_client.post("/campaigns/preflight", data=data).text
    refused = admin_client.post("/campaigns/", data=data | {"title": "Summer"})

    assert "The message fails for 1 contacts: it has more than 1600 characters." in page
    assert refused.status_code == 422
    assert "more than 1600 characters" in refused.text


def test_the_form_asks_the_provider_of_the_chosen_inbox(
    admin_client: FlaskClient, scripts: Inbox, scripted: ScriptedChannel
) -> None:
    scripted.answer = AccountPause("bad credentials", "20003")

    page = admin_client.get(f"/campaigns/inbox-check?inbox_id={scripts.id}").text

    assert "refuses this inbox: bad credentials (20003)" in page


def test_an_inbox_without_a_sender_is_said_without_asking_anybody(
    session: Session, admin_client: FlaskClient, texts: Inbox
) -> None:
    texts.channel.settings = {"account_sid": "AC1"}
    session.commit()

    page = admin_client.get(f"/campaigns/inbox-check?inbox_id={texts.id}").text

    assert (
        "The inbox is not set up yet. Give either a phone number or a messaging service. " in page
    )


def test_what_an_inbox_lacks_is_said_in_sentences(
    session: Session, admin_client: FlaskClient, texts: Inbox
) -> None:
    texts.channel.settings = {"phone_number": "+14155550000"}
    session.commit()

    page = admin_client.get(f"/campaigns/inbox-check?inbox_id={texts.id}").text

    assert "not set up yet. Account SID is missing. Complete its settings" in page


@pytest.mark.parametrize("inbox_id", ["", "x", "9" * 30, "0"])
def test_no_inbox_is_nothing_to_check(admin_client: FlaskClient, inbox_id: str) -> None:
    page = admin_client.get(f"/campaigns/inbox-check?inbox_id={inbox_id}")

    assert (page.status_code, "notice" in page.text) == (200, False)


def test_another_accounts_inbox_is_not_checked(
    admin_client: FlaskClient, scripted: ScriptedChannel
) -> None:
    inbox = make_inbox(make_account(), inbox_type="Scripted")

    assert "notice" not in admin_client.get(f"/campaigns/inbox-check?inbox_id={inbox.id}").text
    assert scripted.accounts == []


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_the_campaigns_page_says_that_all_is_well(
    admin_client: FlaskClient,
    account: Account,
    label: Label,
    scripts: Inbox,
    scripted: ScriptedChannel,
    headers: dict[str, str],
) -> None:
    campaign = make_scripted(account, label, scripts)
    path = f"/campaigns/{campaign.display_id}/preflight"

    page = admin_client.get(path, headers=headers)

    assert "Nothing stands in the way" in page.text
    assert len(scripted.accounts) == 1
    assert path in admin_client.get(f"/campaigns/{campaign.display_id}").text


def test_the_campaigns_page_says_what_stands_in_the_way(
    session: Session,
    admin_client: FlaskClient,
    account: Account,
    label: Label,
    scripts: Inbox,
    scripted: ScriptedChannel,
) -> None:
    campaign = make_scripted(account, make_label(account), scripts)
    scripts.enabled = False
    session.commit()
    scripted.answer = AccountPause("bad credentials", "20003")

    page = admin_client.get(f"/campaigns/{campaign.display_id}/preflight").text

    for text in ("The inbox is disabled", "bad credentials (20003)", "nobody to send to"):
        assert text in page


def test_what_has_started_is_not_looked_ahead_at(
    session: Session, admin_client: FlaskClient, account: Account, label: Label
) -> None:
    campaign = make_campaign(account, label)
    session.execute(update(Campaign).values(campaign_status=1))
    session.commit()
    path = f"/campaigns/{campaign.display_id}/preflight"

    assert admin_client.get(path).status_code == 422
    assert path not in admin_client.get(f"/campaigns/{campaign.display_id}").text


def test_a_look_takes_as_many_queries_for_many(
    admin_client: FlaskClient,
    account: Account,
    label: Label,
    texts: Inbox,
    count_queries: CountQueries,
) -> None:
    data = {"message": "Hi", "inbox_id": texts.id, "audience": [label.id], "when": "now"}

    def look() -> None:
        db.session.rollback()
        assert admin_client.post("/campaigns/preflight", data=data).status_code == 200

    few = count_queries(look)
    for _ in range(10):
        make_contact(account, label)

    assert count_queries(look) == few


@pytest.mark.only_on("sqlite")
def test_a_look_at_everybody_keeps_nobody_from_writing(
    admin_client: FlaskClient, label: Label, texts: Inbox
) -> None:
    data = {"message": "Hi", "inbox_id": texts.id, "audience": [label.id], "when": "now"}
    db.session.rollback()

    with noted_statements() as statements:
        admin_client.post("/campaigns/preflight", data=data)

    looks = next(place for place, one in enumerate(statements) if "reason, count(*)" in one)
    assert [one for one in statements[:looks] if one.startswith("BEGIN")][-1] == "BEGIN"
