"""Runs the migrations on the application's database."""

from typing import Any

from alembic import context

from campaigns_app.database.types import UTCDateTime
from campaigns_app.extensions import db


def render_item(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """How a new migration spells our own column type: plainly, so that it stands on its own."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Run them over one connection, which Alembic commits."""
    engine = db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=engine.dialect.name == "sqlite",
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
