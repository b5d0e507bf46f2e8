"""Find due deliveries by endpoint, keep requests as sent, tell several events at once

Revision: 0007_delivery
Revises: 0006_callbacks
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_delivery"
down_revision = "0006_callbacks"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
PENDING = sa.text("state = 'pending'")
FAILED = sa.text("state = 'failed'")
BATCH = sa.text("request_events IS NOT NULL")


def upgrade() -> None:
    op.add_column(
        "webhook_endpoints",
        sa.Column("batch_size", sa.SmallInteger(), server_default="1", nullable=False),
    )
    op.add_column(
        "webhook_endpoints", sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("webhook_deliveries", sa.Column("resumes_as", sa.String(10), nullable=True))
    op.add_column(
        "webhook_deliveries", sa.Column("resumes_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("webhook_deliveries", sa.Column("taken_in", sa.String(40), nullable=True))
    op.drop_index("ix_webhook_deliveries_due", "webhook_deliveries")
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "next_attempt_at", "id"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_index(
        "ix_webhook_deliveries_failed",
        "webhook_deliveries",
        ["endpoint_id", "id"],
        sqlite_where=FAILED,
        postgresql_where=FAILED,
    )
    op.add_column(
        "webhook_attempts", sa.Column("endpoint_id", ID, server_default="0", nullable=False)
    )
    op.add_column("webhook_attempts", sa.Column("request_uid", sa.String(40), nullable=True))
    op.add_column("webhook_attempts", sa.Column("request_headers", JSON, nullable=True))
    op.add_column("webhook_attempts", sa.Column("request_events", JSON, nullable=True))
    op.execute(
        "UPDATE webhook_attempts SET endpoint_id = (SELECT endpoint_id FROM webhook_deliveries"
        " WHERE webhook_deliveries.id = webhook_attempts.delivery_id)"
    )
    op.drop_index("ix_webhook_attempts_started_at", "webhook_attempts")
    op.create_index("ix_webhook_attempts_endpoint_id_id", "webhook_attempts", ["endpoint_id", "id"])
    op.create_index(
        "ix_webhook_attempts_batch",
        "webhook_attempts",
        ["request_uid"],
        sqlite_where=BATCH,
        postgresql_where=BATCH,
    )


def downgrade() -> None:
    op.drop_index("ix_webhook_attempts_batch", "webhook_attempts")
    op.drop_index("ix_webhook_attempts_endpoint_id_id", "webhook_attempts")
    op.create_index("ix_webhook_attempts_started_at", "webhook_attempts", ["started_at"])
    for column in ("request_events", "request_headers", "request_uid", "endpoint_id"):
        op.drop_column("webhook_attempts", column)
    op.drop_index("ix_webhook_deliveries_failed", "webhook_deliveries")
    op.drop_index("ix_webhook_deliveries_due", "webhook_deliveries")
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["next_attempt_at", "id"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.drop_column("webhook_deliveries", "taken_in")
    op.drop_column("webhook_deliveries", "resumes_at")
    op.drop_column("webhook_deliveries", "resumes_as")
    op.drop_column("webhook_endpoints", "rests_until")
    op.drop_column("webhook_endpoints", "batch_size")
