"""Rows written in bulk are the rows that were given, on either database."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns_app.contacts.models import Contact
from campaigns_app.database.bulk import insert_rows, reserve_ids
from tests.factories import make_account

NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
COLUMNS = ("id", "account_id", "name", "email", "blocked", "custom_attributes", "created_at")
SAME = {"additional_attributes": "{}", "updated_at": NOW}

storable = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
awkward = st.text(storable | st.sampled_from("\\\t\n\r.N"), max_size=30)


@given(st.lists(st.tuples(awkward, st.none() | awkward, st.booleans()), min_size=1, max_size=5))
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_every_text_comes_back_as_it_was(
    app: Flask, session: Session, people: list[tuple[Any, ...]]
) -> None:
    account_id = make_account().id
    ids = reserve_ids(session, Contact, len(people))

    insert_rows(
        session,
        Contact,
        COLUMNS,
        [
            (row_id, account_id, name, f"{row_id}{email}", blocked, json.dumps({"k": name}), NOW)
            for row_id, (name, email, blocked) in zip(ids, people, strict=True)
        ],
        same=SAME,
    )

    rows = session.scalars(
        select(Contact).where(Contact.account_id == account_id).order_by(Contact.id)
    ).all()
    assert [(row.name, row.email, row.blocked) for row in rows] == [
        (name, f"{row_id}{email}", blocked)
        for row_id, (name, email, blocked) in zip(ids, people, strict=True)
    ]
    assert [row.custom_attributes for row in rows] == [{"k": name} for name, _, _ in people]
    assert {(row.created_at, row.updated_at) for row in rows} == {(NOW, NOW)}
    session.execute(delete(Contact))
    session.rollback()


def test_ids_are_never_given_twice(app: Flask, session: Session) -> None:
    account_id = make_account().id
    given: list[int] = []
    for _ in range(2):
        ids = reserve_ids(session, Contact, 3)
        rows = [(i, account_id, f"C{i}", None, False, "{}", NOW) for i in ids]
        insert_rows(session, Contact, COLUMNS, rows, same=SAME)
        given += ids
        session.commit()

    assert len(set(given)) == 6
    assert given == sorted(given)


def test_one_row_that_is_refused_spoils_all(app: Flask, session: Session) -> None:
    account_id = make_account().id

    with pytest.raises(IntegrityError):
        insert_rows(
            session,
            Contact,
            COLUMNS,
            [
                (1, account_id, "A", None, False, "{}", NOW),
                (1, account_id, "B", None, False, "{}", NOW),
            ],
            same=SAME,
        )
    session.rollback()

    assert session.scalars(select(Contact)).all() == []
