"""Keep people's own numbers, and say what kind of address a chat's id is

Revision: 0009_reach
Revises: 0008_templates
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_reach"
down_revision = "0008_templates"
branch_labels = None
depends_on = None

NAME_CHATS = """
UPDATE suppressions SET address = 'telegram:' || address
WHERE address NOT LIKE '+%' AND address NOT LIKE '%@%' AND source IN ('provider', 'reply')
"""
"""What is neither a number nor an e-mail address is a chat whose person told a bot to stop."""


def upgrade() -> None:
    op.add_column("users", sa.Column("phone_number", sa.String(20), nullable=True))
    op.execute(NAME_CHATS)


def downgrade() -> None:
    op.execute(
        "UPDATE suppressions SET address = substr(address, 10) WHERE address LIKE 'telegram:%'"
    )
    op.drop_column("users", "phone_number")
