"""Tell a repeated request from one that takes its key for something else

Revision: 0003_idempotency
Revises: 0002_engine
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_idempotency"
down_revision = "0002_engine"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("idempotency_fingerprint", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("campaigns", "idempotency_fingerprint")
