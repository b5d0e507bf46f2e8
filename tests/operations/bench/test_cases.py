"""Every case of the benchmark really runs, at sizes that prove nothing."""

import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.contacts.models import Contact, ContactLabel
from campaigns_app.conversations.models import Conversation
from campaigns_app.database.types import Base
from campaigns_app.operations.bench import engine, floor
from campaigns_app.operations.bench.case import Bench, Size
from campaigns_app.operations.bench.machine import describe_machine
from campaigns_app.operations.bench.measuring import Processes, WorkFailed
from campaigns_app.operations.bench.registry import CASES, ON_POSTGRESQL_ONLY
from campaigns_app.operations.bench.run import run_cases
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.slate import wipe_results
from campaigns_app.operations.bench.telling import as_object
from tests.conftest import TEST_SETTINGS


@pytest.fixture
def bench(app: Flask, tmp_path: Path) -> Bench:
    """What cases measure with, in the database of the test."""
    stores = {name: app.config[name] for name in ("DATABASE_URL", "REDIS_URL")}
    return Bench(Processes({**TEST_SETTINGS, **stores}, tmp_path / "log"), Size.TINY)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.only_on("postgresql") if name in ON_POSTGRESQL_ONLY else ()
        )
        for name in CASES
    ],
)
def test_every_row_can_be_measured(bench: Bench, name: str) -> None:
    (row,) = run_cases(bench, [name])

    told = json.loads(json.dumps(as_object(describe_machine(bench.size), [row])))
    assert set(told) == {"machine", "rows"}
    assert {"cpu", "cores", "memory_gib", "versions", "database", "seed"} <= set(told["machine"])
    (entry,) = told["rows"]
    assert list(entry) == ["name", "value", "unit", "against", "ratio", "bar", "holds"]
    assert entry["name"] == name
    assert entry["value"] > 0
    assert entry["ratio"] > 0
    assert (entry["bar"] is None) == (entry["holds"] is None)


def test_the_floor_writes_the_very_rows_of_the_run(bench: Bench, session: Session) -> None:
    campaign_id = make_due_campaign(session, 30)
    engine.carry_out(campaign_id)
    written = {model: read_rows(session, model) for model in floor.TABLES}

    timing = floor.rewrite(campaign_id, (7, 30))

    assert timing.count == 30
    assert {model: read_rows(session, model) for model in floor.TABLES} == written


def test_a_run_can_be_undone_and_done_again(bench: Bench, session: Session) -> None:
    campaign_id = make_due_campaign(session, 5)
    engine.carry_out(campaign_id)

    wipe_results(campaign_id)

    assert session.scalar(select(func.count()).select_from(Conversation)) == 0
    session.rollback()
    assert engine.carry_out(campaign_id).count == 5


def test_contacts_are_the_same_every_time(bench: Bench, session: Session) -> None:
    for _ in range(2):
        make_due_campaign(session, 12, every=3)

    plans = session.scalars(select(Contact.custom_attributes).order_by(Contact.id)).all()
    assert plans[:12] == plans[12:]
    assert len({plan["plan"] for plan in plans}) > 1
    assert session.scalar(select(func.count()).select_from(ContactLabel)) == 8


def test_work_that_fails_says_why(bench: Bench) -> None:
    with pytest.raises(WorkFailed, match="there are no numbers here"):
        bench.processes.call(fail)


def fail() -> None:
    raise ValueError("there are no numbers here")


def read_rows(session: Session, model: type[Base]) -> list[tuple[object, ...]]:
    """What stands in the table, as the database has it."""
    rows = session.execute(select(model.__table__).order_by(model.__table__.c.id)).all()
    session.rollback()
    return [tuple(row) for row in rows]
