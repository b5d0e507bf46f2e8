"""Templates through the API: listed, fetched, and named by campaigns in Chatwoot's shape."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.channels.provider import AccountPause
from campaigns_app.channels.templates import Template
from campaigns_app.inboxes.models import Inbox, InboxTemplate
from tests.api.conftest import Tenant
from tests.factories import make_contact, make_inbox, make_template, set_up
from tests.scripted import ScriptedChannel

CAMPAIGNS = "/api/v1/campaigns"
RICH: list[dict[str, Any]] = [
    {"type": "HEADER", "format": "IMAGE"},
    {"type": "BODY", "text": "Hello {{name}}, until {{day}}"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "Stop"},
            {"type": "URL", "text": "Shop", "url": "https://x.example/{{1}}"},
            {"type": "COPY_CODE", "text": "Copy"},
        ],
    },
]
FILLED: dict[str, Any] = {
    "header": {"media_url": "https://x.example/a.png", "media_type": "image"},
    "body": {"name": "{{ contact.first_name }}", "day": "Monday"},
    "buttons": [
        None,
        {"type": "url", "parameter": "spring"},
        {"type": "copy_code", "parameter": "SPRING20"},
    ],
}


@pytest.fixture
def phones(tenant: Tenant, scripted: ScriptedChannel, keys: list[str]) -> Inbox:
    """An inbox that sends templates, of which nothing is known yet, and somebody to send to."""
    make_contact(tenant.account, tenant.label)
    inbox = make_inbox(tenant.account, inbox_type="Scripted")
    return set_up(inbox, {"account_sid": "AC1"}, auth_token="secret")


def post(tenant: Tenant, phones: Inbox, params: Any, **values: Any) -> tuple[int, Any]:
    values = {"inbox_id": phones.id, "template_params": params, "message": ""} | values
    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(**values))
    return answer.status_code, answer.json


def params_of(**values: Any) -> dict[str, Any]:
    return {"name": "rich", "language": "en_US", "processed_params": FILLED} | values


def with_value(part: str, name: str, value: Any) -> dict[str, Any]:
    """The filled template with one value replaced."""
    return params_of(processed_params=FILLED | {part: FILLED[part] | {name: value}})


def test_the_list_is_fetched_and_shown(
    tenant: Tenant, phones: Inbox, scripted: ScriptedChannel
) -> None:
    path = f"/api/v1/inboxes/{phones.id}"
    before = tenant.program.get(f"{path}/templates").json
    scripted.templates = [Template("rich", "en", "APPROVED", "MARKETING", RICH)]

    fetched = tenant.program.post(f"{path}/sync_templates").json or {}

    assert before == {"payload": [], "synced_at": None, "fault": None}
    assert fetched == tenant.program.get(f"{path}/templates").json
    [shown] = fetched["payload"]
    assert (shown["name"], shown["status"], shown["can_be_sent"]) == ("rich", "APPROVED", True)
    assert [(one["part"], one["name"]) for one in shown["parameters"] if one["required"]] == [
        ("header", "media_url"),
        ("body", "name"),
        ("body", "day"),
        ("buttons", "1"),
        ("buttons", "2"),
    ]


def test_a_fault_is_told(tenant: Tenant, phones: Inbox, scripted: ScriptedChannel) -> None:
    scripted.templates = AccountPause("the access token is wrong", "190")

    answer = tenant.program.post(f"/api/v1/inboxes/{phones.id}/sync_templates").json or {}

    assert (answer["fault"], answer["synced_at"]) == ("the access token is wrong (190)", None)


@pytest.mark.parametrize(("method", "path"), [("get", "templates"), ("post", "sync_templates")])
def test_only_ones_own_inboxes_have_templates(
    tenant: Tenant, stranger: Tenant, scripted: ScriptedChannel, method: str, path: str
) -> None:
    theirs = make_inbox(stranger.account, inbox_type="Scripted")

    for inbox in (theirs, tenant.inbox):
        answer = getattr(tenant.program, method)(f"/api/v1/inboxes/{inbox.id}/{path}")
        assert answer.status_code == 404


def test_a_campaign_is_made_in_chatwoots_shape_and_says_what_the_template_says(
    tenant: Tenant, phones: Inbox
) -> None:
    make_template(phones, name="rich", components=RICH)

    status, made = post(tenant, phones, params_of(language="EN_us", namespace="n"))

    assert status == 200
    assert made["message"] == "Hello {{ contact.first_name }}, until Monday"
    assert made["template_params"] == params_of(category="MARKETING", namespace="n")


def test_words_of_its_own_are_kept(tenant: Tenant, phones: Inbox) -> None:
    make_template(phones, name="rich", components=RICH)

    assert post(tenant, phones, params_of(), message="Hello Ana")[1]["message"] == "Hello Ana"


@pytest.mark.parametrize("processed", [["Ana", 5], {"1": "Ana", "2": "5"}, {"body": ["Ana", "5"]}])
def test_the_body_may_be_said_shortly(tenant: Tenant, phones: Inbox, processed: Any) -> None:
    make_template(phones, "{{1}} has {{2}}", name="short")

    status, made = post(tenant, phones, {"name": "short", "processed_params": processed})

    assert (status, made["message"]) == (200, "Ana has 5")


def test_another_template_says_something_else(tenant: Tenant, phones: Inbox) -> None:
    make_template(phones, "Hello {{1}}", name="a")
    make_template(phones, "Goodbye", name="b")
    made = post(tenant, phones, {"name": "a", "processed_params": {"1": "Ana"}})[1]

    path = f"{CAMPAIGNS}/{made['id']}"
    changed = tenant.program.patch(path, json={"template_params": {"name": "b"}}).json or {}

    assert (made["message"], changed["message"]) == ("Hello Ana", "Goodbye")


@pytest.mark.parametrize(
    ("params", "field", "message"),
    [
        (None, "", "Template params must name a template"),
        ({"name": 5}, "", "Template params must have text as name and language"),
        (params_of(name="x"), "", "Template x does not exist, or not any more"),
        (params_of(language="de"), "", "Template rich does not exist in de; it does in en_US"),
        (
            params_of(name="early"),
            ".name",
            "Template early (en_US) is not approved: it is pending",
        ),
        (
            params_of(name="code"),
            ".name",
            "Template code (en_US) is of a kind that is not sent here: authentication",
        ),
        (params_of(processed_params="x"), ".body", "Template body has values of the wrong shape"),
        (with_value("body", "day", ""), ".body.day", "Template body day can't be blank"),
        (with_value("body", "day", {}), ".body.day", "Template body day must be text"),
        (with_value("body", "x", "y"), ".body.x", "Template body x has no place in the template"),
        (
            with_value("body", "day", "{{ contact.dya }}"),
            ".body.day",
            "Template body day uses an unknown variable: contact.dya",
        ),
        (
            with_value("body", "day", "x" * 1001),
            ".body.day",
            "Template body day is too long (maximum is 1000 characters)",
        ),
        *(
            (
                with_value("header", "media_url", url),
                ".header.media_url",
                "Template header media_url must be an address that begins with https:// or http://",
            )
            for url in ("ftp://x/a.png", "a.png", "https://", "http://[::1/a", "https://a b")
        ),
        (
            params_of(processed_params=FILLED | {"buttons": []}),
            ".buttons.1",
            "Template button 1 can't be blank, Template button 2 can't be blank",
        ),
        (
            params_of(
                processed_params=FILLED
                | {"buttons": [None, {"parameter": "a"}, {"parameter": "A" * 16}]}
            ),
            ".buttons.2",
            "Template button 2 is too long (maximum is 15 characters)",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_field(
    tenant: Tenant, phones: Inbox, params: Any, field: str, message: str
) -> None:
    make_template(phones, name="rich", components=RICH)
    make_template(phones, name="early", components=RICH, status="PENDING")
    make_template(phones, name="code", components=RICH, category="AUTHENTICATION")

    status, answer = post(tenant, phones, params)

    assert (status, answer["message"]) == (422, message)
    assert answer["attributes"][0] == f"template_params{field}"


def test_it_is_said_what_to_do_where_nothing_was_fetched(tenant: Tenant, phones: Inbox) -> None:
    status, answer = post(tenant, phones, params_of())

    assert status == 422
    assert f"POST /api/v1/inboxes/{phones.id}/sync_templates" in answer["message"]


def test_media_may_differ_from_contact_to_contact(tenant: Tenant, phones: Inbox) -> None:
    make_template(phones, name="rich", components=RICH)
    photo = {"photo": "https://x.example/ana.png"}
    make_contact(tenant.account, tenant.label, custom_attributes=photo)
    url = "{{ contact.custom_attribute.photo }}"

    assert post(tenant, phones, with_value("header", "media_url", url))[0] == 200


def test_what_stands_is_not_asked_again(tenant: Tenant, phones: Inbox, session: Session) -> None:
    make_template(phones, "Hello", name="plain")
    made = post(tenant, phones, {"name": "plain"})[1]
    session.execute(update(InboxTemplate).values(status="PAUSED"))
    session.commit()

    path = f"{CAMPAIGNS}/{made['id']}"
    answer = tenant.program.patch(path, json={"title": "Another"})

    assert (answer.status_code, (answer.json or {})["title"]) == (200, "Another")
