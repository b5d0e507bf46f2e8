"""Inboxes through the API."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.channels.provider import AccountPause, Retry
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.secrets import WRONG_KEY, unlock_secrets
from tests.api.conftest import Tenant
from tests.factories import make_campaign, make_inbox, set_up
from tests.scripted import ScriptedChannel

INBOXES = "/api/v1/inboxes"
TOKEN = "a very secret token 9876"
CHANNEL = {"type": "scripted", "account_sid": "AC1", "auth_token": TOKEN}


def create(tenant: Tenant, **body: Any) -> dict[str, Any]:
    """Make an inbox that sends through the scripted provider."""
    answer = tenant.program.post(INBOXES, json={"name": "Phones", "channel": CHANNEL, **body})
    assert answer.status_code == 200, answer.json
    return dict(answer.json or {})


def test_the_list_has_the_accounts_inboxes(tenant: Tenant, stranger: Tenant) -> None:
    answer = tenant.program.get(INBOXES)

    assert [one["id"] for one in (answer.json or {})["payload"]] == [tenant.inbox.id]


@pytest.mark.parametrize("path", [INBOXES, "/api/v1/accounts/{account}/inboxes"])
def test_an_api_inbox_is_made_as_in_chatwoot(tenant: Tenant, path: str) -> None:
    hook = "http://127.0.0.1:9/hook"

    answer = tenant.program.post(
        path.format(account=tenant.account.id),
        json={"name": "Shop", "channel": {"type": "api", "webhook_url": hook}},
    )

    made = answer.json or {}
    assert (made["name"], made["channel_type"], made["webhook_url"]) == (
        *("Shop", "Channel::Api"),
        hook,
    )


def test_secrets_go_in_and_never_come_out(
    tenant: Tenant, session: Session, scripted: ScriptedChannel, keys: list[str]
) -> None:
    made = create(tenant)

    answers = [
        tenant.program.get(INBOXES),
        tenant.program.get(f"{INBOXES}/{made['id']}"),
        tenant.program.patch(f"{INBOXES}/{made['id']}", json={"channel": {"auth_token": TOKEN}}),
    ]

    assert all(TOKEN not in answer.text and "9876" not in answer.text for answer in answers)
    assert made["secrets_set"] == ["auth_token"]
    inbox = session.get_one(Inbox, made["id"])
    assert TOKEN not in (inbox.channel.secrets or "")
    assert unlock_secrets(inbox.channel.secrets) == {"auth_token": TOKEN}


def test_secrets_that_no_key_opens_are_said_to_be_so(
    tenant: Tenant, scripted: ScriptedChannel, keys: list[str]
) -> None:
    made = create(tenant)
    keys[:] = [Fernet.generate_key().decode()]

    shown = tenant.program.get(f"{INBOXES}/{made['id']}").json or {}

    assert made["faults"] == []
    assert (shown["secrets_set"], shown["faults"]) == ([], [WRONG_KEY])


def test_what_an_inbox_lacks_is_said(
    tenant: Tenant, scripted: ScriptedChannel, keys: list[str]
) -> None:
    inbox = set_up(make_inbox(tenant.account, inbox_type="Scripted"), {}, auth_token=TOKEN)

    shown = tenant.program.get(f"{INBOXES}/{inbox.id}").json or {}

    assert shown["faults"] == ["Account SID is missing"]


def test_an_inbox_with_a_provider_says_where_callbacks_go(
    tenant: Tenant, session: Session, scripted: ScriptedChannel, keys: list[str]
) -> None:
    made = create(tenant, rate=2.5)

    token = session.get_one(Inbox, made["id"]).callback_token
    assert made["callback_webhook_url"].endswith(f"/callbacks/scripted/{token}")
    assert (made["rate"], made["usual_rate"], made["halted_at"]) == (2.5, 10_000, None)


def test_what_is_not_sent_stays(tenant: Tenant, scripted: ScriptedChannel, keys: list[str]) -> None:
    made = create(tenant, rate=2)

    answer = tenant.program.patch(
        f"{INBOXES}/{made['id']}", json={"channel": {"account_sid": "AC2"}}
    )

    changed = answer.json or {}
    assert changed | {"account_sid": "AC1"} == made
    assert changed["account_sid"] == "AC2"


def test_null_takes_a_setting_or_a_secret_away(
    tenant: Tenant, scripted: ScriptedChannel, keys: list[str]
) -> None:
    made = create(tenant, channel=CHANNEL | {"medium": "sms"}, rate=2)

    answer = tenant.program.patch(
        f"{INBOXES}/{made['id']}",
        json={"rate": None, "channel": {"medium": None, "auth_token": None, "api_key": "key"}},
    )

    changed = answer.json or {}
    assert (changed["rate"], changed["medium"]) == (None, None)
    assert changed["secrets_set"] == ["api_key"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"name": 7}, ["name"]),
        ({"rate": "fast"}, ["rate"]),
        ({"rate": 0}, ["rate"]),
        ({"rate": True}, ["rate"]),
        ({"channel": []}, ["channel"]),
        ({"channel": {"type": "pigeon"}}, ["inbox_type"]),
        ({"channel": {"type": ["api"]}}, ["type"]),
        ({"channel": CHANNEL | {"account_sid": None}}, ["account_sid"]),
        ({"channel": CHANNEL | {"account_sid": {}}}, ["account_sid"]),
        ({"channel": CHANNEL | {"medium": "pigeon"}}, ["medium"]),
        ({"channel": CHANNEL | {"validity": "long"}}, ["validity"]),
        ({"channel": CHANNEL | {"api_key": "both"}}, ["auth_token"]),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_saved(
    tenant: Tenant,
    session: Session,
    scripted: ScriptedChannel,
    keys: list[str],
    body: dict[str, Any],
    fields: list[str],
) -> None:
    answer = tenant.program.post(INBOXES, json={"name": "Phones", "channel": CHANNEL} | body)

    assert (answer.status_code, (answer.json or {})["attributes"]) == (422, fields)
    assert session.scalars(select(Inbox.id)).all() == [tenant.inbox.id]


def test_without_a_key_no_secret_is_taken(tenant: Tenant, scripted: ScriptedChannel) -> None:
    answer = tenant.program.post(INBOXES, json={"name": "Phones", "channel": CHANNEL})

    assert answer.status_code == 422
    assert (answer.json or {})["attributes"] == ["auth_token"]
    assert "ENCRYPTION_KEYS" in answer.text


@pytest.mark.parametrize(
    ("answer", "works", "refused", "message"),
    [
        ("Shop, +1 415 555 0100", True, False, "Shop, +1 415 555 0100"),
        (AccountPause("bad credentials", "20003"), False, True, "bad credentials (20003)"),
        (Retry("no connection", after=1), False, False, "no connection"),
    ],
)
def test_the_provider_is_asked_whether_it_accepts_the_account(
    tenant: Tenant,
    scripted: ScriptedChannel,
    keys: list[str],
    answer: Exception | str,
    works: bool,
    refused: bool,
    message: str,
) -> None:
    inbox = make_inbox(tenant.account, inbox_type="Scripted")
    set_up(inbox, {"account_sid": "AC1"}, auth_token="secret")
    scripted.answer = answer

    told = tenant.program.post(f"{INBOXES}/{inbox.id}/check").json

    assert told == {"works": works, "refused": refused, "message": message}


def test_an_inbox_without_provider_has_nobody_to_ask(tenant: Tenant) -> None:
    assert tenant.program.post(f"{INBOXES}/{tenant.inbox.id}/check").status_code == 422


def test_an_inbox_is_deleted_unless_it_is_used(tenant: Tenant, session: Session) -> None:
    path = f"{INBOXES}/{tenant.inbox.id}"
    campaign = make_campaign(tenant.account, tenant.label, inbox_id=tenant.inbox.id)

    refused = tenant.program.delete(path)
    session.delete(campaign)
    session.commit()
    deleted = tenant.program.delete(path)

    assert (refused.status_code, deleted.status_code) == (422, 200)
    assert tenant.program.get(path).status_code == 404


@pytest.mark.parametrize("action", ["get", "patch", "put", "delete"])
def test_another_accounts_inbox_is_not_found(
    tenant: Tenant, stranger: Tenant, session: Session, action: str
) -> None:
    answer = getattr(tenant.program, action)(
        f"{INBOXES}/{stranger.inbox.id}", json={"name": "Mine"}
    )

    assert answer.status_code == 404
    session.refresh(stranger.inbox)
    assert stranger.inbox.name != "Mine"
