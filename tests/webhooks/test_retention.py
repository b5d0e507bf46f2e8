"""Forgetting what was told long ago."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.webhooks.jobs import deliver_webhooks
from campaigns_app.webhooks.models import WebhookEvent
from campaigns_app.webhooks.retention import purge
from tests.factories import make_account, make_endpoint
from tests.receiver import Receiver
from tests.webhooks.scenes import attempt_count, states, tell


def test_old_events_go_with_all_that_was_made_of_them(session: Session, receiver: Receiver) -> None:
    endpoint = make_endpoint(make_account(), url=receiver.url())
    tell(session, endpoint, conversations=2)
    deliver_webhooks()
    first = session.scalars(select(WebhookEvent.id).order_by(WebhookEvent.id)).first()
    old = utcnow() - timedelta(days=31)
    session.execute(update(WebhookEvent).where(WebhookEvent.id == first).values(created_at=old))
    session.commit()

    assert purge() == 1
    assert purge() == 0

    assert len(states(session, endpoint)) == 3
    assert attempt_count(session) == 3


def test_what_waits_for_an_endpoint_that_is_gone_fails_in_the_end(session: Session) -> None:
    endpoint = make_endpoint(make_account(), enabled=False, disabled_reason="gone")
    tell(session, endpoint)

    purge()

    assert states(session, endpoint) == ["failed", "failed"]
