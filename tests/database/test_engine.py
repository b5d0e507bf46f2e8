"""JSON columns give back what was put into them, and nobody is given a connection that is dead."""

import json
from select import POLLIN, poll
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.database.engine import read_json
from campaigns_app.extensions import db


@pytest.mark.parametrize(
    "value", [{}, {"plan": "pro"}, {"n": 2**63}, {"n": 10**40}, {"n": -(2**63)}, [1.5, None, "ü"]]
)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@pytest.mark.only_on("postgresql")
def test_a_connection_that_the_server_has_ended_is_replaced_before_it_is_used(
    session: Session,
) -> None:
    before = session.scalar(select(func.pg_backend_pid()))
    driver: Any = session.connection().connection.driver_connection
    session.rollback()
    address = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    # Not one of the pool's, which is to have no other than the dead one to give.
    with psycopg.connect(address) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [before])
    heard = poll()
    heard.register(driver.fileno(), POLLIN)
    assert heard.poll(10_000)

    assert session.scalar(select(func.pg_backend_pid())) != before
