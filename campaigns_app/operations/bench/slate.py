"""Bringing the database back to where a run begins, so that every run finds the same."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import select, update

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import CampaignStatus
from campaigns_app.conversations.models import ContactInbox, Conversation, Message
from campaigns_app.database.types import Base
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db
from campaigns_app.webhooks.bundle_model import WebhookBundle
from campaigns_app.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEvent

RESULTS: Sequence[type[Base]] = (
    *(WebhookAttempt, WebhookDelivery, WebhookBundle, WebhookEvent),
    *(Message, Conversation, ContactInbox),
    *(CampaignBatch, CampaignRecipient),
)
"""What a run of a campaign writes."""


def require_empty() -> None:
    """Raises `CannotStart` when the database belongs to somebody: it would be emptied."""
    occupied = db.session.scalar(select(Account.id).limit(1)) is not None
    db.session.rollback()
    if occupied:
        raise CannotStart(
            "The database has accounts in it, and the benchmark empties the one it uses: "
            "name an empty database with --database."
        )


def wipe_all() -> None:
    """Empty every table."""
    _truncate([table.name for table in reversed(Base.metadata.sorted_tables)])


def wipe_results(campaign_id: int) -> None:
    """Undo what runs of the campaign have written, and make it due again. Commits."""
    _truncate([model.__tablename__ for model in RESULTS])
    session = db.session()
    campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
    session.execute(update(Account).values(last_conversation_display_id=0))
    campaign.campaign_status = CampaignStatus.ACTIVE
    campaign.started_at = campaign.finished_at = None
    session.commit()
    settle()


def settle() -> None:
    """Have the database write out what it owes the disk, so that nobody pays for another's run."""
    if db.engine.dialect.name == "sqlite":
        _execute_alone("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    # On somebody else's server we may not; there its owner's settings say when.
    with suppress(InsufficientPrivilege):
        _execute_alone("CHECKPOINT")


def tidy_up(*models: type[Base]) -> None:
    """Have PostgreSQL do now, for tables just filled, what it would begin by itself a moment later,
    in the middle of what is measured."""
    if db.engine.dialect.name == "postgresql":
        _execute_alone(f"VACUUM {', '.join(model.__tablename__ for model in models)}")


def _truncate(names: Sequence[str]) -> None:
    if db.engine.dialect.name != "sqlite":
        _execute_alone(f"TRUNCATE {', '.join(names)} RESTART IDENTITY")
        return
    numbered = ", ".join(f"'{name}'" for name in names)
    _execute_alone(
        # With them SQLite would look for the children of every row.
        "PRAGMA foreign_keys = OFF",
        *(f"DELETE FROM {name}" for name in names),  # noqa: S608 - names of models' tables
        f"DELETE FROM sqlite_sequence WHERE name IN ({numbered})",  # noqa: S608
        "PRAGMA foreign_keys = ON",
    )


def _execute_alone(*statements: str) -> None:
    """Execute each statement outside of a transaction."""
    db.session.rollback()
    connection = db.engine.raw_connection()
    driver: Any = connection.driver_connection
    try:
        if db.engine.dialect.name == "postgresql":
            driver.autocommit = True
        for statement in statements:
            driver.execute(statement)
    finally:
        if db.engine.dialect.name == "postgresql":
            driver.autocommit = False
        connection.close()
