"""Keep what sending through providers needs to know

Revision: 0005_channels
Revises: 0003_idempotency
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_channels"
down_revision = "0003_idempotency"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
KNOWN = sa.text("provider_message_id IS NOT NULL")
WAITING = sa.text("processed_at IS NULL")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("quiet_hours", JSON, nullable=True))
    op.add_column("inboxes", sa.Column("rate", sa.Double(), nullable=True))
    op.add_column("inboxes", sa.Column("callback_token", sa.String(length=64), nullable=True))
    op.add_column("inboxes", sa.Column("halted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("inboxes", sa.Column("halt_reason", sa.Text(), nullable=True))
    op.create_index("ix_inboxes_callback_token", "inboxes", ["callback_token"], unique=True)
    op.add_column(
        "campaign_batches", sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "campaign_recipients", sa.Column("provider_code", sa.String(length=40), nullable=True)
    )
    op.add_column(
        "campaign_recipients", sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_campaign_recipients_provider_message_id",
        "campaign_recipients",
        ["provider_message_id"],
        sqlite_where=KNOWN,
        postgresql_where=KNOWN,
    )
    op.create_table(
        "provider_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("inbox_id", ID, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("event", JSON, nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_provider_events_account_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inboxes.id"], name="fk_provider_events_inbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_provider_events"),
        sa.UniqueConstraint("inbox_id", "key", name="uq_provider_events_inbox_id_key"),
    )
    op.create_index(
        "ix_provider_events_waiting",
        "provider_events",
        ["id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    op.drop_table("provider_events")
    op.drop_index("ix_campaign_recipients_provider_message_id", "campaign_recipients")
    op.drop_column("campaign_recipients", "replied_at")
    op.drop_column("campaign_recipients", "provider_code")
    op.drop_column("campaign_batches", "resume_at")
    op.drop_index("ix_inboxes_callback_token", "inboxes")
    for column in ("halt_reason", "halted_at", "callback_token", "rate"):
        op.drop_column("inboxes", column)
    op.drop_column("accounts", "quiet_hours")
