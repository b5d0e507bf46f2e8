"""The database's clock in statements."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.database.clock import database_now
from campaigns_app.extensions import db


def test_seconds_move_the_time(session: Session) -> None:
    past, now, later = session.execute(
        select(database_now(-60), database_now(), database_now(3600))
    ).one()

    assert abs(now - past - timedelta(seconds=60)) < timedelta(seconds=2)
    assert abs(later - now - timedelta(hours=1)) < timedelta(seconds=2)


def test_statements_that_differ_in_seconds_are_not_taken_for_the_same(session: Session) -> None:
    sooner, later = (session.scalar(select(database_now(seconds))) for seconds in (1, 1000))

    assert sooner is not None
    assert later is not None
    assert later - sooner > timedelta(seconds=900)


def test_a_statement_with_it_is_compiled_once(app: Flask) -> None:
    keys = [select(database_now(5))._generate_cache_key() for _ in range(2)]

    assert keys[0] is not None
    assert keys[0].key == keys[1].key  # type: ignore[union-attr]
    assert db.engine.dialect.supports_statement_cache
