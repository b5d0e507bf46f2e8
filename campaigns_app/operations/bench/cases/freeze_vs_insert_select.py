"""What starting a large campaign costs beside writing its ledger's rows."""

from sqlalchemy import Insert, insert, literal, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import ContactLabel
from campaigns_app.extensions import db
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.measuring import Timing, timed
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.slate import wipe_results

NAME = "freeze_vs_insert_select"
BATCH_SIZE = 1000


def measure(bench: Bench) -> BenchRow:
    """Every second contact is in the audience, which is started and is copied."""
    contacts = bench.pick(2_000_000, 80_000, 100)
    campaign_id = make_due_campaign(db.session(), contacts, every=2)
    count = contacts // 2

    def start() -> Timing:
        wipe_results(campaign_id)
        return bench.processes.call(start_timed, campaign_id, count)

    def copy() -> Timing:
        wipe_results(campaign_id)
        return bench.processes.call(copy_timed, campaign_id, count)

    pairs = bench.in_turns(start, copy)
    return BenchRow(
        name=NAME,
        value=count / pairs.rate,
        unit=f"s for {count:,} of {contacts:,} contacts",
        against=f"INSERT … SELECT, {count / pairs.rate_against:.2f} s",
        ratio=1 / pairs.speed,
        bar=Bar(2, is_ceiling=True),
    )


def start_timed(campaign_id: int, count: int) -> Timing:
    """Start the campaign."""
    session, channels = db.session(), get_channels()
    return timed(count, lambda: start_campaign(session, channels, campaign_id, BATCH_SIZE))


def copy_timed(campaign_id: int, count: int) -> Timing:
    """Write who carries the audience's label into the ledger, all in one state."""
    session = db.session()
    campaign = session.get_one(Campaign, campaign_id)
    labelled = (
        select(
            ContactLabel.account_id,
            literal(campaign.id),
            ContactLabel.contact_id,
            literal(RecipientState.PENDING.value),
        )
        .where(ContactLabel.label_id.in_(campaign.label_ids))
        .order_by(ContactLabel.contact_id)
    )
    statement = insert(CampaignRecipient).from_select(
        ["account_id", "campaign_id", "contact_id", "state"], labelled, include_defaults=False
    )
    session.rollback()
    return timed(count, lambda: _write(session, statement))


def _write(session: Session, statement: Insert) -> None:
    session.execute(statement)
    session.commit()
