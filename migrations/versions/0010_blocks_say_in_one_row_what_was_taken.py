"""Say in one row which deliveries a worker has taken

Revision: 0010_blocks
Revises: 0009_reach
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010_blocks"
down_revision = "0009_reach"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IDS = sa.JSON().with_variant(postgresql.ARRAY(sa.BigInteger()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "webhook_blocks",
        sa.Column("id", ID, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_ids", IDS, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_blocks"),
        sqlite_autoincrement=True,
    )
    for column in ("fence", "lease_expires_at", "lease_owner"):
        op.drop_column("webhook_deliveries", column)


def downgrade() -> None:
    op.add_column("webhook_deliveries", sa.Column("lease_owner", sa.String(64), nullable=True))
    op.add_column(
        "webhook_deliveries",
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.add_column(
        "webhook_deliveries", sa.Column("fence", sa.Integer(), server_default="0", nullable=False)
    )
    op.drop_table("webhook_blocks")
