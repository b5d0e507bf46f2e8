"""Keep the payloads of events as they are

PostgreSQL compresses rows of more than 2 kB, and a message's event is a little larger: it would be
compressed when it is written, and taken apart again when it is sent.

Revision: 0015_whole
Revises: 0014_bundles
"""

from alembic import op

revision = "0015_whole"
down_revision = "0014_bundles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE webhook_events SET (toast_tuple_target = 8160)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE webhook_events RESET (toast_tuple_target)")
