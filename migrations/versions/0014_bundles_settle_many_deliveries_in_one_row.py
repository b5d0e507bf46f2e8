"""Settle in one row the deliveries that are told of in one request

Revision: 0014_bundles
Revises: 0013_refused
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014_bundles"
down_revision = "0013_refused"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IDS = sa.JSON().with_variant(postgresql.ARRAY(sa.BigInteger()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "webhook_bundles",
        sa.Column("id", ID, nullable=False),
        sa.Column("endpoint_id", ID, nullable=False),
        sa.Column("event_ids", IDS, nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("taken_in", sa.String(40), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name="fk_webhook_bundles_endpoint_id_webhook_endpoints",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_bundles"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_webhook_bundles_endpoint_id", "webhook_bundles", ["endpoint_id", "state", "id"]
    )
    op.add_column("webhook_deliveries", sa.Column("bundle_id", ID, nullable=True))
    nothing = "'[]'" if op.get_bind().dialect.name == "sqlite" else "'{}'"
    op.add_column(
        "webhook_blocks",
        sa.Column("bundle_ids", IDS, nullable=False, server_default=sa.text(nothing)),
    )


def downgrade() -> None:
    op.drop_column("webhook_blocks", "bundle_ids")
    # Each delivery says again of itself what its bundle said.
    bundle = "(SELECT {} FROM webhook_bundles b WHERE b.id = webhook_deliveries.bundle_id)"
    shared = ("state", "attempts", "taken_in", "delivered_at")
    values = ", ".join(f"{name} = {bundle.format(f'b.{name}')}" for name in shared)
    op.execute(f"UPDATE webhook_deliveries SET {values} WHERE bundle_id IS NOT NULL")  # noqa: S608
    op.drop_column("webhook_deliveries", "bundle_id")
    op.drop_table("webhook_bundles")
