"""The migrations make exactly the tables the models describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from campaigns_app import MIGRATIONS
from campaigns_app.extensions import db


# Of SQLite no index on an expression can be read; tests/test_query_plans.py asks for it there.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_models_ask_for_nothing_more(app: Flask) -> None:
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), db.metadata)

    assert differences == []


def test_the_migrations_are_one_line() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_no_migration_depends_on_the_package() -> None:
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert "campaigns_app" not in path.read_text()
