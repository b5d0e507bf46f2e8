"""A message that changed is told of, also to its inbox's own endpoint."""

import json
from typing import NoReturn

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.webhooks.message_events import MessageChange, record_message_updates
from campaigns_app.webhooks.models import WebhookDelivery
from campaigns_app.webhooks.opening import Opening
from tests.factories import LONG_AGO, make_account, make_campaign, make_endpoint, make_inbox
from tests.webhooks.scenes import OPENED, only_event


def test_a_delivered_message_is_told_with_what_changed(session: Session) -> None:
    account = make_account()
    campaign = make_campaign(account)
    subscribed = make_endpoint(account, subscriptions=["message_updated"])
    make_endpoint(account, subscriptions=["message_created"])
    own = make_endpoint(account, inbox_id=campaign.inbox_id)
    make_endpoint(account, inbox_id=make_inbox(account).id)
    now = utcnow()
    delivered = Opening(
        account={"id": account.id, "name": account.name},
        inbox={"id": campaign.inbox_id, "name": "Shop"},
        channel="Channel::Api",
        sender=None,
        campaign_id=campaign.id,
        at=LONG_AGO,
        status="delivered",
        updated_at=now,
    )

    record_message_updates(
        session,
        account.id,
        campaign.inbox_id,
        lambda: [MessageChange(8, delivered, OPENED, {"status": "sent"})],
        now,
    )
    session.commit()

    event = only_event(session)
    payload = json.loads(event.payload)
    assert (event.type, event.conversation_id) == ("message_updated", 8)
    assert payload["changed_attributes"] == [
        {"status": {"previous_value": "sent", "current_value": "delivered"}}
    ]
    assert payload["conversation"]["messages"][0]["status"] == "delivered"
    told = set(session.scalars(select(WebhookDelivery.endpoint_id)))
    assert told == {subscribed.id, own.id}


def test_without_a_subscriber_nothing_is_read(session: Session) -> None:
    inbox = make_inbox(make_account())

    def read() -> NoReturn:
        pytest.fail("nobody wants to know")

    record_message_updates(session, inbox.account_id, inbox.id, read, utcnow())
