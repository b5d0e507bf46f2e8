"""Find the contact whom a Telegram chat belongs to

Revision: 0011_chats
Revises: 0010_blocks
"""

import sqlalchemy as sa
from alembic import op

revision = "0011_chats"
down_revision = "0010_blocks"
branch_labels = None
depends_on = None

NAME = "ix_contacts_telegram_chat_id"
CHATS = {
    "sqlite": """CAST(JSON_EXTRACT(custom_attributes, '$."telegram_chat_id"') AS VARCHAR)""",
    "postgresql": "CAST(custom_attributes ->> 'telegram_chat_id' AS VARCHAR)",
}


def upgrade() -> None:
    chat = CHATS[op.get_context().dialect.name]
    has_one = sa.text(f"{chat} IS NOT NULL")
    op.create_index(
        NAME,
        "contacts",
        ["account_id", sa.text(chat)],
        sqlite_where=has_one,
        postgresql_where=has_one,
    )


def downgrade() -> None:
    op.drop_index(NAME, "contacts")
