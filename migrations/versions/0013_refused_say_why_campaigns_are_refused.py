"""Say why a campaign is paused whose message is refused

Revision: 0013_refused
Revises: 0012_audit
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_refused"
down_revision = "0012_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("pause_reason", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("campaigns", "pause_reason")
