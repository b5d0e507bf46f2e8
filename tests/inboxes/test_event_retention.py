"""What providers told is forgotten when it is old, and not before it was processed."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.database.types import utcnow
from campaigns_app.inboxes import event_retention
from campaigns_app.inboxes.event_retention import forget_old_events
from campaigns_app.inboxes.models import Inbox, ProviderEvent
from campaigns_app.operations.sweeper import SWEEPS
from tests.factories import make_account, make_inbox

PROCESSED = utcnow()


@pytest.fixture
def inbox(app: Flask) -> Inbox:
    """An inbox whose provider has told much."""
    return make_inbox(make_account())


def tell(session: Session, inbox: Inbox, key: str, days: float, *, processed: bool = True) -> None:
    session.add(
        ProviderEvent(
            account_id=inbox.account_id,
            inbox_id=inbox.id,
            key=key,
            kind="delivered",
            raw="{}",
            received_at=utcnow() - timedelta(days=days),
            processed_at=PROCESSED if processed else None,
        )
    )
    session.commit()


def kept(session: Session) -> list[str]:
    return list(session.scalars(select(ProviderEvent.key).order_by(ProviderEvent.id)))


def test_only_what_is_old_and_processed_is_forgotten(session: Session, inbox: Inbox) -> None:
    tell(session, inbox, "old", 91)
    tell(session, inbox, "waiting", 91, processed=False)
    tell(session, inbox, "young", 89)

    forget_old_events()

    assert kept(session) == ["waiting", "young"]


def test_nothing_is_forgotten_where_it_is_kept_for_ever(
    app: Flask, session: Session, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PROVIDER_EVENT_DAYS", 0)
    tell(session, inbox, "old", 4000)

    forget_old_events()

    assert kept(session) == ["old"]


def test_much_is_forgotten_bit_by_bit(
    session: Session, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_retention, "BLOCK", 2)
    for number in range(3):
        tell(session, inbox, f"{number}", 100 - number)

    forget_old_events()
    rest = kept(session)
    forget_old_events()

    assert (rest, kept(session)) == (["2"], [])


def test_the_sweep_sees_to_it() -> None:
    assert forget_old_events in SWEEPS
