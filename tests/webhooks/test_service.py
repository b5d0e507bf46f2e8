"""What a person does with webhook endpoints."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app import job_queue
from campaigns_app.accounts.models import Account, AuditEntry
from campaigns_app.errors import InvalidInput, NotFound, Refused
from campaigns_app.extensions import db
from campaigns_app.webhooks import service
from campaigns_app.webhooks.custom_headers import MASK
from campaigns_app.webhooks.drafts import EndpointDraft, check_endpoint_url
from campaigns_app.webhooks.events import CONVERSATION_EVENTS, EVENT_TYPES
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEndpoint
from campaigns_app.webhooks.outbox import find_subscribers
from tests.factories import make_account, make_endpoint, make_inbox, make_user
from tests.statements import noted_statements
from tests.webhooks.scenes import tell

URL = "http://127.0.0.1:9000/hook"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
DRAFT = EndpointDraft(URL, ["message_created", "conversation_created"], name="Shop")


def refused(account: Account, draft: EndpointDraft) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        service.create_endpoint(account.id, draft)
    return [(error.field, error.message) for error in caught.value.errors]


def test_a_new_endpoint_has_a_secret_of_its_own(account: Account) -> None:
    one = service.create_endpoint(account.id, DRAFT)
    two = service.create_endpoint(account.id, EndpointDraft(URL + "2", ["message_created"]))

    assert one.secret.startswith("whsec_")
    assert one.secret != two.secret
    assert (one.name, one.url, one.enabled) == ("Shop", URL, True)
    assert one.subscriptions == ["conversation_created", "message_created"]


@pytest.mark.parametrize("url", ["", "shop.example", "ftp://shop.example", "http://a@shop.example"])
def test_a_url_that_is_none_is_refused_in_chatwoots_words(account: Account, url: str) -> None:
    assert refused(account, EndpointDraft(url, ["message_created"])) == [("url", "Url is invalid")]


def test_a_url_that_leads_inside_is_refused(account: Account) -> None:
    draft = EndpointDraft("http://169.254.169.254/", ["message_created"])

    expected = "Url leads into a private network, which is not allowed"
    assert refused(account, draft) == [("url", expected)]


@pytest.mark.parametrize("wanted", [[], ["contact_sneezed"], ["message_created", "x"]])
def test_unknown_events_are_refused_in_chatwoots_words(account: Account, wanted: list[str]) -> None:
    draft = EndpointDraft(URL, wanted)

    assert refused(account, draft) == [("subscriptions", "Subscriptions Invalid events")]


def test_a_name_must_be_short_enough_and_storable(account: Account) -> None:
    too_long = EndpointDraft(URL, ["message_created"], name="x" * 256)
    unstorable = EndpointDraft(URL, ["message_created"], name="a\x00b")

    expected = "Name is too long (maximum is 255 characters)"
    assert refused(account, too_long) == [("name", expected)]
    assert refused(account, unstorable) == [("name", "Name is invalid")]


def test_an_account_has_a_url_once(account: Account) -> None:
    service.create_endpoint(account.id, DRAFT)
    service.create_endpoint(make_account().id, DRAFT)

    assert refused(account, DRAFT) == [("url", "Url has already been taken")]


def test_an_endpoint_can_be_changed_and_keeps_its_secret(account: Account) -> None:
    made = service.create_endpoint(account.id, DRAFT)
    secret = made.secret

    service.update_endpoint(account.id, made.id, EndpointDraft(URL + "/new", ["message_created"]))

    db.session.refresh(made)
    assert (made.url, made.subscriptions) == (URL + "/new", ["message_created"])
    assert made.secret == secret


def test_two_endpoints_cannot_be_made_alike_by_a_change(account: Account) -> None:
    service.create_endpoint(account.id, DRAFT)
    other = service.create_endpoint(account.id, EndpointDraft(URL + "2", ["message_created"]))

    with pytest.raises(InvalidInput, match="already been taken"):
        service.update_endpoint(account.id, other.id, DRAFT)


def test_disabling_and_enabling_leaves_what_waits(session: Session, account: Account) -> None:
    endpoint = make_endpoint(account)
    tell(session, endpoint)

    service.disable_endpoint(account.id, endpoint.id)
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "by_hand")
    assert job_queue.waiting(job_queue.WEBHOOKS) == 0

    service.enable_endpoint(account.id, endpoint.id)
    assert endpoint.enabled
    assert endpoint.disabled_reason is None
    assert job_queue.waiting(job_queue.WEBHOOKS) == 1


def test_a_deleted_endpoint_takes_its_deliveries_with_it(
    session: Session, account: Account
) -> None:
    endpoint = make_endpoint(account)
    tell(session, endpoint)

    service.delete_endpoint(account.id, endpoint.id)

    assert session.scalars(select(WebhookDelivery)).all() == []


def test_deeds_are_in_the_audit_log_without_the_secret(session: Session, account: Account) -> None:
    actor = make_user(account)

    made = service.create_endpoint(account.id, DRAFT, actor=actor)

    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.user_id) == ("webhook_endpoint.created", actor.id)
    assert entry.after == {"url": URL}
    assert made.secret not in str(entry.after)


def test_another_accounts_endpoint_is_not_found(account: Account) -> None:
    foreign = make_endpoint(make_account())

    for act in (service.enable_endpoint, service.disable_endpoint, service.delete_endpoint):
        with pytest.raises(NotFound):
            act(account.id, foreign.id)
    with pytest.raises(NotFound):
        service.update_endpoint(account.id, foreign.id, DRAFT)
    assert service.list_endpoints(account.id) == []


def test_the_list_counts_what_waits_in_two_queries(session: Session, account: Account) -> None:
    endpoints = [make_endpoint(account) for _ in range(5)]
    tell(session, *endpoints[:2], conversations=3)
    account_id = account.id

    with noted_statements() as statements:
        listed = service.list_endpoints(account_id)

    assert [entry.waiting.count for entry in listed] == [6, 6, 0, 0, 0]
    assert len([one for one in statements if one.startswith("SELECT")]) == 2


def test_an_inbox_gets_changes_and_loses_its_own_endpoint(
    session: Session, account: Account
) -> None:
    inbox = make_inbox(account)

    service.ensure_inbox_endpoint(session, account.id, inbox.id, URL)
    session.commit()
    made = session.scalars(select(WebhookEndpoint)).one()
    secret = made.secret
    assert set(find_subscribers(session, account.id, inbox.id).values()) == {(made.id,)}

    service.ensure_inbox_endpoint(session, account.id, inbox.id, URL + "/new")
    session.commit()
    assert (made.url, made.secret) == (URL + "/new", secret)

    service.ensure_inbox_endpoint(session, account.id, inbox.id, None)
    session.commit()
    assert session.scalars(select(WebhookEndpoint)).all() == []


def test_an_inboxs_own_endpoint_follows_its_inbox_only(session: Session, account: Account) -> None:
    inbox = make_inbox(account)
    endpoint = make_endpoint(account, inbox_id=inbox.id)

    with pytest.raises(Refused):
        service.update_endpoint(account.id, endpoint.id, DRAFT)
    with pytest.raises(Refused):
        service.delete_endpoint(account.id, endpoint.id)


def test_the_fault_of_a_url_names_the_field_it_came_from(account: Account) -> None:
    [error] = check_endpoint_url("nonsense", "webhook_url")

    assert (error.field, error.message) == ("webhook_url", "Webhook url is invalid")


def test_a_new_secret_is_used_beside_the_old_one_for_a_day(account: Account) -> None:
    endpoint = make_endpoint(account)
    old = endpoint.secret

    service.rotate_secret(account.id, endpoint.id, now=NOW)

    assert endpoint.secret.startswith("whsec_")
    assert endpoint.previous_secret == old != endpoint.secret
    assert endpoint.previous_secret_expires_at == NOW + timedelta(hours=24)


def test_a_leaked_secret_is_used_no_more(account: Account) -> None:
    endpoint = make_endpoint(account, previous_secret="whsec_b2xk", previous_secret_expires_at=NOW)
    old = endpoint.secret

    service.rotate_secret(account.id, endpoint.id, now=NOW, keep_old=False)

    assert endpoint.secret != old
    assert (endpoint.previous_secret, endpoint.previous_secret_expires_at) == (None, None)


def test_the_grace_period_is_a_setting(
    app: Flask, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WEBHOOK_SECRET_GRACE_HOURS", 0)
    endpoint = make_endpoint(account)

    service.rotate_secret(account.id, endpoint.id, now=NOW)

    assert endpoint.previous_secret is None


def test_an_inboxs_own_endpoint_can_get_a_new_secret(account: Account) -> None:
    endpoint = make_endpoint(account, inbox_id=make_inbox(account).id)
    old = endpoint.secret

    service.rotate_secret(account.id, endpoint.id, now=NOW)

    assert endpoint.secret != old


def test_no_secret_is_in_the_audit_log(session: Session, account: Account) -> None:
    draft = replace(DRAFT, headers={"Authorization": "Bearer hidden"})
    made = service.create_endpoint(account.id, draft)
    service.update_endpoint(account.id, made.id, replace(draft, headers={"X-Key": "hidden"}))
    service.rotate_secret(account.id, made.id, now=NOW)

    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == [
        *("webhook_endpoint.created", "webhook_endpoint.updated"),
        "webhook_endpoint.secret_rotated",
    ]
    written = str([(entry.before, entry.after) for entry in entries])
    assert "hidden" not in written
    assert "whsec_" not in written
    assert "X-Key" in written


def test_headers_are_kept_where_dots_or_nothing_is_said_of_them(account: Account) -> None:
    made = service.create_endpoint(account.id, replace(DRAFT, headers={"Authorization": "secret"}))

    service.update_endpoint(account.id, made.id, replace(DRAFT, headers={"authorization": MASK}))
    assert made.headers == {"authorization": "secret"}
    service.update_endpoint(account.id, made.id, DRAFT)
    assert made.headers == {"authorization": "secret"}
    service.update_endpoint(account.id, made.id, replace(DRAFT, headers={}))
    assert made.headers == {}


def test_another_headers_dots_are_no_value(account: Account) -> None:
    made = service.create_endpoint(account.id, replace(DRAFT, headers={"Authorization": "secret"}))

    with pytest.raises(InvalidInput, match="Headers give no value for X-Key"):
        service.update_endpoint(account.id, made.id, replace(DRAFT, headers={"X-Key": MASK}))


def test_an_inboxs_own_endpoint_is_told_of_conversations_only(
    session: Session, account: Account
) -> None:
    inbox = make_inbox(account)
    service.ensure_inbox_endpoint(session, account.id, inbox.id, URL)
    session.commit()

    wanted = find_subscribers(session, account.id, inbox.id, EVENT_TYPES)

    assert set(wanted) == set(CONVERSATION_EVENTS)
    assert find_subscribers(session, account.id, make_inbox(account).id, EVENT_TYPES) == {}
