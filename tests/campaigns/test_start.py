"""A campaign starts once, at its time, with its audience as it is then."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.campaigns.states import CampaignStatus, Phase
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import Contact, Suppression
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from tests.factories import make_account, make_campaign, make_contact, make_inbox, make_label


def start(campaign: Campaign, batch_size: int = 100) -> list[int]:
    return start_campaign(db.session(), get_channels(), campaign.id, batch_size)


def states(session: Session, campaign: Campaign) -> dict[int, tuple[str, str | None]]:
    rows = session.scalars(
        select(CampaignRecipient).where(CampaignRecipient.campaign_id == campaign.id)
    )
    return {row.contact_id: (row.state, row.reason) for row in rows}


def test_whoever_carries_any_of_the_labels_is_in_it_once(session: Session) -> None:
    account = make_account()
    vip, trial = make_label(account), make_label(account)
    both, one = make_contact(account, vip, trial), make_contact(account, trial)
    make_contact(account)
    campaign = make_campaign(account, vip, trial)

    start(campaign)

    assert states(session, campaign) == {both.id: ("pending", None), one.id: ("pending", None)}


def test_nobody_of_another_account_is_in_it(session: Session) -> None:
    account, other = make_account(), make_account()
    label, foreign = make_label(account), make_label(other)
    make_contact(other, foreign)
    campaign = make_campaign(account, label)
    campaign.audience = [*campaign.audience, {"type": "Label", "id": foreign.id}]
    session.commit()

    start(campaign)

    assert states(session, campaign) == {}


def test_who_must_not_be_written_to_is_skipped_with_the_reason(session: Session) -> None:
    account = make_account()
    label = make_label(account)
    blocked = make_contact(account, label, blocked=True)
    opted_out = make_contact(account, label)
    session.add(Suppression(account_id=account.id, address=opted_out.phone_number, source="manual"))
    session.commit()
    campaign = make_campaign(account, label)

    start(campaign)

    assert states(session, campaign) == {
        blocked.id: ("skipped", "blocked"),
        opted_out.id: ("skipped", "opted_out"),
    }
    assert campaign.phase is Phase.FINISHED


def test_it_is_completed_when_it_starts(session: Session) -> None:
    account = make_account()
    label = make_label(account)
    make_contact(account, label)
    campaign = make_campaign(account, label)

    start(campaign)

    assert campaign.campaign_status == CampaignStatus.COMPLETED
    assert campaign.phase is Phase.SENDING


def test_it_does_not_start_twice(session: Session) -> None:
    account = make_account()
    label = make_label(account)
    make_contact(account, label)
    campaign = make_campaign(account, label)

    assert len(start(campaign)) == 1
    assert start(campaign) == []


def test_it_does_not_start_before_its_time(session: Session) -> None:
    account = make_account()
    soon = utcnow() + timedelta(seconds=30)
    campaign = make_campaign(account, make_label(account), scheduled_at=soon)

    assert start(campaign) == []
    assert campaign.phase is Phase.SCHEDULED


def test_it_does_not_start_while_paused(session: Session) -> None:
    account = make_account()
    campaign = make_campaign(account, make_label(account), enabled=False)

    start(campaign)

    assert campaign.campaign_status == CampaignStatus.ACTIVE


def test_it_fails_with_the_reason_when_its_inbox_cannot_be_used(session: Session) -> None:
    account = make_account()
    inbox = make_inbox(account, enabled=False)
    campaign = make_campaign(account, make_label(account), inbox_id=inbox.id)

    start(campaign)

    assert campaign.phase is Phase.FAILED
    assert campaign.failure == "The inbox is disabled"


def test_batches_hold_every_recipient_once(app: Flask, session: Session) -> None:
    account = make_account()
    label = make_label(account)
    contacts = [make_contact(account, label, blocked=n == 0) for n in range(5)]
    campaign = make_campaign(account, label)

    start(campaign, batch_size=2)

    batches = session.scalars(select(CampaignBatch).order_by(CampaignBatch.id)).all()
    ranges = [(b.first_contact_id, b.last_contact_id, b.pending, b.skipped) for b in batches]
    ids = [contact.id for contact in contacts]
    assert ranges == [(ids[0], ids[1], 1, 1), (ids[2], ids[3], 2, 0), (ids[4], ids[4], 1, 0)]


def test_a_campaign_for_nobody_finishes_at_once(session: Session) -> None:
    account = make_account()
    label = make_label(account)
    campaign = make_campaign(account, label)

    start(campaign)

    assert campaign.phase is Phase.FINISHED
    assert session.scalar(select(Contact.id)) is None
