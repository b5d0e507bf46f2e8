"""Two people who save the same campaign get one; what only looks the same is another."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.doubles import Submission, fingerprint_of
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.service import create_campaign
from campaigns_app.database.types import utcnow
from campaigns_app.errors import AlreadyMade, InvalidInput
from campaigns_app.extensions import db
from tests.factories import make_inbox, make_label

Create = Callable[..., Campaign]


@pytest.fixture
def draft(account: Account) -> CampaignDraft:
    labels = [{"type": "Label", "id": make_label(account).id} for _ in range(2)]
    return CampaignDraft("Sale", "Hello", make_inbox(account).id, labels, scheduled_at=None)


@pytest.fixture
def create(account: Account) -> Create:
    """Save a campaign as somebody at a page does, each time with a form of their own."""

    def call(draft: CampaignDraft, key: str, now: datetime | None = None) -> Campaign:
        submission = Submission(key, by_hand=True)
        now = now or utcnow()
        return create_campaign(account, draft, actor=None, now=now, submission=submission)

    return call


def how_many(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Campaign)) or 0


def test_the_same_campaign_is_saved_once(
    create: Create, draft: CampaignDraft, session: Session
) -> None:
    first = create(draft, "hers")

    with pytest.raises(AlreadyMade) as told:
        create(replace(draft, audience=draft.audience[::-1]), "his")

    assert told.value.display_id == first.display_id
    assert how_many(session) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another"},
        {"message": "Good bye"},
        {"audience": "fewer labels"},
        {"scheduled_at": utcnow() + timedelta(hours=1)},
    ],
)
def test_another_campaign_is_saved_beside_it(
    create: Create, draft: CampaignDraft, change: dict[str, Any]
) -> None:
    if "audience" in change:
        change = {"audience": draft.audience[:1]}
    create(draft, "hers")

    assert create(replace(draft, **change), "his").display_id == 2


def test_the_same_campaign_a_minute_later_is_meant(create: Create, draft: CampaignDraft) -> None:
    create(draft, "hers")

    assert create(draft, "hers again", utcnow() + timedelta(seconds=61)).display_id == 2


def test_a_cancelled_campaign_stands_in_nobodys_way(
    create: Create, draft: CampaignDraft, session: Session
) -> None:
    create(draft, "hers").cancelled_at = utcnow()
    session.commit()

    assert create(draft, "his").display_id == 2


def test_a_program_that_asks_twice_means_two(account: Account, draft: CampaignDraft) -> None:
    made = [create_campaign(account, draft, actor=None, now=utcnow()) for _ in range(2)]

    assert [campaign.display_id for campaign in made] == [1, 2]


def test_a_key_that_is_used_for_something_else_is_refused(
    account: Account, draft: CampaignDraft, session: Session
) -> None:
    def ask(body: dict[str, Any]) -> Campaign:
        submission = Submission("order-7", fingerprint_of(body))
        return create_campaign(account, draft, actor=None, now=utcnow(), submission=submission)

    first = ask({"title": "Sale", "message": "Hello"})

    assert ask({"message": "Hello", "title": "Sale"}).id == first.id
    with pytest.raises(InvalidInput, match="another body"):
        ask({"title": "Sale", "message": "Good bye"})


@pytest.mark.parametrize("keys", [("one form", "one form"), ("hers", "his")])
def test_of_two_at_once_one_is_saved(
    app: Flask, account: Account, draft: CampaignDraft, session: Session, keys: tuple[str, str]
) -> None:
    session.commit()
    account_id, ready, told = account.id, Barrier(2), []
    session.rollback()

    def save(key: str) -> None:
        with app.app_context():
            own = db.session.get_one(Account, account_id)
            submission = Submission(key, by_hand=True)
            db.session.rollback()
            ready.wait(timeout=10)
            try:
                told.append(
                    create_campaign(
                        own, draft, actor=None, now=utcnow(), submission=submission
                    ).display_id
                )
            except AlreadyMade as error:
                told.append(error.display_id)

    threads = [Thread(target=save, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == [1, 1]
    assert how_many(session) == 1
