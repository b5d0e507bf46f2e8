"""Say when what a provider told is to be looked at, and whom it was about

Revision: 0006_callbacks
Revises: 0005_channels
"""

import sqlalchemy as sa
from alembic import op

revision = "0006_callbacks"
down_revision = "0005_channels"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "provider_events"
INDEX = "ix_provider_events_waiting"
WAITING = sa.text("processed_at IS NULL")
MATCHED = sa.text("recipient_id IS NOT NULL")


def upgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.add_column(TABLE, sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE provider_events SET due_at = received_at")
    with op.batch_alter_table(TABLE) as table:
        table.alter_column("due_at", nullable=False)
    op.add_column(TABLE, sa.Column("recipient_id", ID, nullable=True))
    op.create_index(INDEX, TABLE, ["due_at"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index(
        "ix_provider_events_recipient_id",
        TABLE,
        ["recipient_id"],
        sqlite_where=MATCHED,
        postgresql_where=MATCHED,
    )


def downgrade() -> None:
    op.drop_index("ix_provider_events_recipient_id", TABLE)
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, "recipient_id")
    op.drop_column(TABLE, "due_at")
    op.create_index(INDEX, TABLE, ["id"], sqlite_where=WAITING, postgresql_where=WAITING)
