"""Find what a person did, and what was done of one kind

Revision: 0012_audit
Revises: 0011_chats
"""

from alembic import op

revision = "0012_audit"
down_revision = "0011_chats"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("user_id", "action"):
        op.create_index(
            f"ix_audit_entries_account_id_{column}_id",
            "audit_entries",
            ["account_id", column, "id"],
        )


def downgrade() -> None:
    for column in ("action", "user_id"):
        op.drop_index(f"ix_audit_entries_account_id_{column}_id", "audit_entries")
