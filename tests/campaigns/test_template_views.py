"""The template in the campaign's form: chosen, filled in, shown, refused."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign
from campaigns_app.channels.provider import AccountPause
from campaigns_app.channels.templates import Template
from campaigns_app.inboxes.models import Inbox, InboxTemplate
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_inbox,
    make_label,
    make_template,
    set_up,
)
from tests.scripted import ScriptedChannel
from tests.statements import CountQueries

SALE = "summer_sale/en_US"
CHOSEN = {"template": SALE, "template_shown": SALE}
PARAMS = {"name": "summer_sale", "language": "en_US", "processed_params": {"body": {"1": "Ana"}}}


@pytest.fixture
def inbox(account: Account, scripted: ScriptedChannel, keys: list[str]) -> Inbox:
    """An inbox that sends templates, and has one: «Hello {{1}}»."""
    inbox = make_inbox(account, inbox_type=scripted.name)
    make_template(inbox)
    return set_up(inbox, {"account_sid": "AC1"}, auth_token="secret")


@pytest.fixture
def sent(filled_in: dict[str, Any], inbox: Inbox) -> dict[str, Any]:
    """The form, filled in without a mistake for the inbox."""
    return filled_in | {"message": "", "inbox_id": inbox.id, **CHOSEN, "template-body-1": "Ana"}


def part(client: FlaskClient, inbox: Inbox, path: str = "template", **values: Any) -> str:
    answer = client.post(f"/campaigns/{path}", data={"inbox_id": inbox.id, **values})
    assert answer.status_code == 200
    return answer.text


def errors_in(page: str) -> list[str]:
    return re.findall(r'<p class="error">.*?<span>(.*?)</span>', page, re.DOTALL)


def test_a_campaign_says_what_its_template_says(
    admin_client: FlaskClient, sent: dict[str, Any], session: Session
) -> None:
    value = "{{ contact.first_name }}"

    answer = admin_client.post("/campaigns/", data=sent | {"template-body-1": f" {value} "})

    assert answer.status_code == 303, errors_in(answer.text)
    campaign = session.scalars(select(Campaign)).one()
    assert campaign.message == f"Hello {value}"
    assert campaign.template_params == {
        "name": "summer_sale",
        "language": "en_US",
        "category": "MARKETING",
        "processed_params": {"body": {"1": value}},
    }


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"template": ""}, "Template is required"),
        ({"template": "x"}, "Template is required"),
        ({"template": "x/en"}, "Template x does not exist, or not any more"),
        (
            dict.fromkeys(CHOSEN, "early/en_US"),
            "Template early (en_US) is not approved: it is pending",
        ),
        ({"template-body-1": " "}, "Text {{1}} can&#39;t be blank"),
        ({"template-body-1": "{{ x"}, "Text {{1}} is not valid Liquid"),
        ({"template-body-1": "a\x00b"}, "Text {{1}} contains characters that are not text"),
        # These are another template's values.
        ({"template_shown": "another/en"}, "Text {{1}} can&#39;t be blank"),
    ],
)
def test_a_mistake_is_shown_at_its_field(
    admin_client: FlaskClient,
    sent: dict[str, Any],
    inbox: Inbox,
    values: dict[str, str],
    error: str,
) -> None:
    make_template(inbox, name="early", status="PENDING")

    answer = admin_client.post("/campaigns/", data=sent | values)

    assert answer.status_code == 422
    [shown] = errors_in(answer.text)
    assert shown.startswith(error)


def test_only_what_can_be_sent_is_offered(admin_client: FlaskClient, inbox: Inbox) -> None:
    make_template(inbox, name="early", status="PENDING")
    make_template(inbox, name="code", category="AUTHENTICATION")

    page = part(admin_client, inbox)

    assert re.findall(r'<option.*?value="(.*?)"', page) == ["", SALE]
    assert "2 others cannot be chosen" in page


def test_other_inboxes_have_no_such_choice(
    admin_client: FlaskClient, account: Account, inbox: Inbox
) -> None:
    page = part(admin_client, make_inbox(account))

    assert "<select" not in page
    assert "data-replaces-message" not in page


def test_another_accounts_templates_are_not_shown(admin_client: FlaskClient, inbox: Inbox) -> None:
    theirs = make_inbox(make_account(), inbox_type="Scripted")
    make_template(theirs, name="secret")

    for path in ("template", "template?sync=1", "template-preview"):
        assert "ecret" not in part(admin_client, theirs, path, template="secret/en_US")


def test_templates_can_be_fetched_from_the_form(
    admin_client: FlaskClient, account: Account, scripted: ScriptedChannel
) -> None:
    fresh = make_inbox(account, inbox_type=scripted.name)
    assert "have not been fetched yet" in part(admin_client, fresh)

    scripted.templates = AccountPause("bad token")
    assert "did not list the templates: bad token" in part(admin_client, fresh, "template?sync=1")
    body = {"type": "BODY", "text": "Hi"}
    scripted.templates = [Template("new", "en", "APPROVED", "UTILITY", [body])]
    assert "New (en)" in part(admin_client, fresh, "template?sync=1")


def test_the_preview_shows_the_first_of_the_audience(
    admin_client: FlaskClient, account: Account, inbox: Inbox
) -> None:
    label = make_label(account)
    make_contact(account, label, name="Blocked", blocked=True)
    make_contact(account, label, name="grace hopper")
    values = CHOSEN | {"template-body-1": "{{ contact.first_name }}", "audience": label.id}

    page = part(admin_client, inbox, "template-preview", **values)

    assert '<mark class="piece-value">Grace</mark>' in page
    assert "As grace hopper will see it" in page


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("{{ contact.first_name }}", "Jane"),
        ("{{ contact.first", "{{ contact.first"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_without_an_audience_somebody_made_up_is_shown(
    admin_client: FlaskClient, inbox: Inbox, value: str, shown: str
) -> None:
    page = part(admin_client, inbox, "template-preview", **CHOSEN, **{"template-body-1": value})

    assert f'<mark class="piece-value">{shown}</mark>' in page
    assert "called Jane Doe" in page


def test_the_preview_says_who_would_be_skipped(
    admin_client: FlaskClient, account: Account, inbox: Inbox
) -> None:
    label = make_label(account)
    make_contact(account, label)
    value = "{{ contact.custom_attribute.plan }}"
    values = CHOSEN | {"template-body-1": value, "audience": label.id}

    page = part(admin_client, inbox, "template-preview", **values)

    assert '<mark class="piece-place">{{1}}</mark>' in page
    assert "who will be skipped" in page


def test_a_value_is_checked_when_it_is_left(admin_client: FlaskClient, inbox: Inbox) -> None:
    page = part(
        admin_client,
        inbox,
        "validate?field=template-body-1",
        **CHOSEN,
        **{"template-body-1": "{{ contact.nmae }}"},
    )

    assert errors_in(page) == ["Text {{1}} uses an unknown variable: contact.nmae"]


def test_the_form_of_a_campaign_starts_with_its_template(
    admin_client: FlaskClient, account: Account, inbox: Inbox
) -> None:
    make_campaign(
        account, make_label(account), enabled=False, inbox_id=inbox.id, template_params=PARAMS
    )

    page = admin_client.get("/campaigns/1/edit").text

    assert re.search(rf'<option selected value="{SALE}"', page)
    assert re.search(r'name="template-body-1"[^>]*value="Ana"', page)


@pytest.fixture
def paused(account: Account, inbox: Inbox, filled_in: dict[str, Any], session: Session) -> Campaign:
    """A campaign with words of its own whose template was taken back."""
    values = {"inbox_id": inbox.id, "template_params": PARAMS, "message": "Hi", "enabled": False}
    campaign = make_campaign(account, make_label(account), **values)
    session.execute(update(InboxTemplate).values(status="PAUSED"))
    session.commit()
    return campaign


def test_what_stands_is_not_asked_again(
    admin_client: FlaskClient, paused: Campaign, sent: dict[str, Any], session: Session
) -> None:
    answer = admin_client.post("/campaigns/1/edit", data=sent | {"title": "Another"})

    assert answer.status_code == 303, errors_in(answer.text)
    session.refresh(paused)
    assert (paused.title, paused.message, paused.template_params) == ("Another", "Hi", PARAMS)


def test_what_was_taken_back_cannot_be_changed_or_chosen_anew(
    admin_client: FlaskClient, paused: Campaign, sent: dict[str, Any]
) -> None:
    changed = sent | {"template-body-1": "Ben"}

    for path in ("/campaigns/1/edit", "/campaigns/"):
        answer = admin_client.post(path, data=changed)
        assert answer.status_code == 422
        assert "is not approved: it is paused" in errors_in(answer.text)[0]


def test_the_form_says_that_a_template_was_taken_back(
    admin_client: FlaskClient, paused: Campaign, sent: dict[str, Any]
) -> None:
    page = admin_client.post("/campaigns/preflight", data=sent).text

    assert "Template summer_sale (en_US) is not approved: it is paused" in page


def test_the_campaigns_page_says_that_a_template_was_taken_back(
    admin_client: FlaskClient, paused: Campaign
) -> None:
    page = admin_client.get("/campaigns/1").text

    assert "Template summer_sale (en_US) is not approved: it is paused" in page


def test_a_follow_up_takes_the_template_on(
    admin_client: FlaskClient,
    account: Account,
    inbox: Inbox,
    sent: dict[str, Any],
    session: Session,
) -> None:
    values = {"inbox_id": inbox.id, "template_params": PARAMS, "message": "Hello Ana"}
    label = make_label(account)
    make_contact(account, label)
    over = make_campaign(account, label, **values)
    over.started_at = over.finished_at = over.scheduled_at
    over.campaign_status = 1
    session.commit()
    page = admin_client.get("/campaigns/1/run-again/new").text
    assert re.search(r'name="template-body-1"[^>]*value="Ana"', page)

    data = sent | {"template-body-1": "Ben"}
    answer = admin_client.post("/campaigns/1/run-again/new", data=data)

    assert answer.status_code == 303, errors_in(answer.text)
    follow_up = session.scalars(select(Campaign).where(Campaign.follows_id == over.id)).one()
    assert follow_up.message == "Hello Ben"


def test_the_form_asks_as_often_whatever_there_is(
    admin_client: FlaskClient, inbox: Inbox, count_queries: CountQueries
) -> None:
    part(admin_client, inbox, **CHOSEN)
    few = count_queries(lambda: part(admin_client, inbox, **CHOSEN))
    for number in range(20):
        make_template(inbox, "{{1}} {{2}}", name=f"template_{number}")

    assert count_queries(lambda: part(admin_client, inbox, **CHOSEN)) == few
