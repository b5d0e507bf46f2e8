"""Link follow-up campaigns, remember what an audience was, index what is rare

Revision: 0002_engine
Revises: 0001_schema
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_engine"
down_revision = "0001_schema"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RARE = sa.text("state IN ('sending', 'failed', 'skipped', 'unknown', 'cancelled')")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("follows_id", ID, nullable=True))
    op.add_column("campaigns", sa.Column("follows", sa.String(length=10), nullable=True))
    op.create_index("ix_campaigns_follows_id", "campaigns", ["follows_id"])

    op.create_table(
        "audience_looks",
        sa.Column("id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_ids", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name="fk_audience_looks_campaign_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_audience_looks_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audience_looks"),
        sa.UniqueConstraint("campaign_id", "user_id", name="uq_audience_looks_campaign_id_user_id"),
    )
    op.create_index(
        "ix_campaign_recipients_rare",
        "campaign_recipients",
        ["campaign_id", "state", "contact_id"],
        sqlite_where=RARE,
        postgresql_where=RARE,
    )


def downgrade() -> None:
    op.drop_index("ix_campaign_recipients_rare", "campaign_recipients")
    op.drop_table("audience_looks")
    op.drop_index("ix_campaigns_follows_id", "campaigns")
    op.drop_column("campaigns", "follows")
    op.drop_column("campaigns", "follows_id")
