"""What an inbox must be, the endpoint of its own, and when it may go."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, AuditEntry
from campaigns_app.conversations.models import ContactInbox, Conversation
from campaigns_app.errors import InvalidInput, NotFound, Refused
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.inboxes.models import Channel, Inbox
from campaigns_app.inboxes.service import (
    create_inbox,
    delete_inbox,
    enable_inbox,
    find_own_endpoint,
    get_inbox,
    list_inboxes,
    update_inbox,
)
from campaigns_app.webhooks.models import WebhookEndpoint
from tests.factories import make_account, make_campaign, make_contact, make_inbox
from tests.statements import noted_statements

HOOK = "http://127.0.0.1:9/hook"


def draft(**values: Any) -> InboxDraft:
    """An inbox that will be accepted."""
    values = {"name": "Shop", "inbox_type": "API", "settings": {}} | values
    return InboxDraft(**values)


def test_an_inbox_is_saved_with_a_channel_of_its_own(account: Account) -> None:
    inbox = create_inbox(account.id, draft(name="  Shop "))

    found = get_inbox(account.id, inbox.id)
    assert (found.name, found.inbox_type, found.enabled) == ("Shop", "API", True)
    assert (found.channel.type, found.channel.account_id) == ("API", account.id)


def test_a_webhook_url_makes_an_endpoint_of_the_inboxs_own(account: Account) -> None:
    inbox = create_inbox(account.id, draft(settings={"webhook_url": f" {HOOK} "}))

    endpoint = find_own_endpoint(inbox)
    assert endpoint is not None
    assert endpoint.url == inbox.channel.settings["webhook_url"] == HOOK


def test_without_a_webhook_url_there_is_no_endpoint(account: Account) -> None:
    inbox = create_inbox(account.id, draft())

    assert find_own_endpoint(inbox) is None


def test_a_changed_webhook_url_keeps_its_secret(account: Account) -> None:
    inbox = create_inbox(account.id, draft(settings={"webhook_url": HOOK}))
    before = find_own_endpoint(inbox)
    secret = before.secret if before else None

    update_inbox(account.id, inbox.id, draft(settings={"webhook_url": f"{HOOK}/2"}))

    after = find_own_endpoint(inbox)
    assert after is not None
    assert (after.url, after.secret) == (f"{HOOK}/2", secret)


def test_a_webhook_url_taken_away_takes_its_endpoint_away(account: Account) -> None:
    inbox = create_inbox(account.id, draft(settings={"webhook_url": HOOK}))

    update_inbox(account.id, inbox.id, draft(settings={"webhook_url": ""}))

    assert find_own_endpoint(inbox) is None


def test_the_type_of_an_inbox_stays_what_it_is(account: Account) -> None:
    inbox = create_inbox(account.id, draft())

    update_inbox(account.id, inbox.id, draft(name="Renamed", inbox_type="Pigeon"))

    found = get_inbox(account.id, inbox.id)
    assert (found.name, found.inbox_type) == ("Renamed", "API")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a" * 256}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"inbox_type": "Pigeon"}, "inbox_type"),
        ({"settings": {"webhook_url": "no address"}}, "webhook_url"),
        ({"settings": {"webhook_url": "http://10.0.0.1/"}}, "webhook_url"),
        ({"settings": {"webhook_url": "https://a.example/\x00"}}, "webhook_url"),
        ({"settings": {"webhook_url": "https://a.example/" + "a" * 2048}}, "webhook_url"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_saved(
    session: Session, account: Account, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        create_inbox(account.id, draft(**wrong))

    assert refusal.value.fields == [field]
    assert session.scalars(select(Channel)).all() == []


def test_a_name_belongs_to_one_inbox_of_an_account(session: Session, account: Account) -> None:
    create_inbox(account.id, draft())
    other = create_inbox(account.id, draft(name="Other"))

    with pytest.raises(InvalidInput) as refusal:
        create_inbox(account.id, draft())
    with pytest.raises(InvalidInput):
        update_inbox(account.id, other.id, draft())

    assert refusal.value.fields == ["name"]
    assert len(session.scalars(select(Channel)).all()) == 2


def test_another_account_may_have_an_inbox_of_that_name(account: Account) -> None:
    create_inbox(account.id, draft())

    assert create_inbox(make_account().id, draft()).name == "Shop"


def test_settings_that_the_channel_does_not_have_are_not_kept(account: Account) -> None:
    inbox = create_inbox(account.id, draft(settings={"auth_token": "hush"}))

    assert inbox.channel.settings == {}


def test_an_inbox_can_be_disabled_and_enabled(account: Account) -> None:
    inbox = make_inbox(account)

    enable_inbox(account.id, inbox.id, enabled=False)
    assert not get_inbox(account.id, inbox.id).enabled

    enable_inbox(account.id, inbox.id, enabled=True)
    assert get_inbox(account.id, inbox.id).enabled


def test_a_deleted_inbox_takes_channel_and_endpoint_with_it(
    session: Session, account: Account
) -> None:
    inbox = create_inbox(account.id, draft(settings={"webhook_url": HOOK}))

    delete_inbox(account.id, inbox.id)

    for model in (Inbox, Channel, WebhookEndpoint):
        assert session.scalars(select(model)).all() == []


def test_an_inbox_with_campaigns_stays(session: Session, account: Account) -> None:
    campaign = make_campaign(account)

    with pytest.raises(Refused):
        delete_inbox(account.id, campaign.inbox_id)

    assert get_inbox(account.id, campaign.inbox_id).channel is not None


def test_an_inbox_with_conversations_stays(session: Session, account: Account) -> None:
    inbox = make_inbox(account)
    contact = make_contact(account)
    known = ContactInbox(contact_id=contact.id, inbox_id=inbox.id, source_id="a")
    session.add(known)
    session.flush()
    session.add(
        Conversation(
            account_id=account.id,
            inbox_id=inbox.id,
            contact_id=contact.id,
            contact_inbox_id=known.id,
            display_id=1,
        )
    )
    session.commit()

    with pytest.raises(Refused):
        delete_inbox(account.id, inbox.id)


def test_the_list_shows_the_accounts_own_by_name(account: Account) -> None:
    for name in ("B", "A"):
        make_inbox(account, name=name)
    make_inbox(make_account(), name="C")

    assert [inbox.name for inbox in list_inboxes(account.id)] == ["A", "B"]


def test_the_list_is_one_query_whatever_its_length(app: Flask, account: Account) -> None:
    account_id = account.id
    for _ in range(3):
        make_inbox(account)

    with noted_statements() as statements:
        settings = [inbox.channel.settings for inbox in list_inboxes(account_id)]

    assert len(settings) == 3
    assert len([text for text in statements if text.startswith("SELECT")]) == 1


def test_another_accounts_inbox_cannot_be_found_changed_or_deleted(
    session: Session, account: Account
) -> None:
    theirs = make_inbox(make_account(), name="Theirs")
    inbox_id = theirs.id

    for action in (
        lambda: get_inbox(account.id, inbox_id),
        lambda: update_inbox(account.id, inbox_id, draft()),
        lambda: enable_inbox(account.id, inbox_id, enabled=False),
        lambda: delete_inbox(account.id, inbox_id),
    ):
        with pytest.raises(NotFound):
            action()

    session.rollback()
    assert (theirs.name, theirs.enabled) == ("Theirs", True)


def test_what_was_done_is_in_the_audit_log(session: Session, account: Account) -> None:
    inbox = create_inbox(account.id, draft())
    update_inbox(account.id, inbox.id, draft(name="Renamed"))
    enable_inbox(account.id, inbox.id, enabled=False)
    delete_inbox(account.id, inbox.id)

    assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all() == [
        "inbox.created",
        "inbox.updated",
        "inbox.disabled",
        "inbox.deleted",
    ]
