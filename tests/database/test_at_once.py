"""Many rows read as one."""

import pytest
from sqlalchemy import (
    Label,
    Select,
    Text,
    bindparam,
    cast,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from campaigns_app.database.at_once import Frame, rows_at_once, texts_at_once

TEXTS = ['{"a":"\\u001e, \\"b\\" — 🙂"}', "[]", "{}"]

FRAME = Frame("<'", "},{", ">")


def as_text(text: str) -> Label[str]:
    """As a column would be, and not of the type that a driver guesses."""
    return cast(literal(text), Text).label("t")


def test_rows_come_as_they_are_and_in_their_order(session: Session) -> None:
    rows = union_all(
        *(
            select(
                literal(number).label("number"),
                null().label("none"),
                as_text(text),
            )
            for number, text in enumerate(TEXTS)
        )
    ).subquery()
    statement = select(rows).order_by(rows.c.number.desc()).limit(bindparam("limit"))

    found = rows_at_once(session, statement, {"limit": 3})

    assert [tuple(row) for row in found] == [
        (2, None, b"{}"),
        (1, None, b"[]"),
        (0, None, TEXTS[0].encode()),
    ]


@pytest.mark.parametrize("limit", [0, 1])
def test_no_row_is_no_row(session: Session, limit: int) -> None:
    statement = select(literal(1).label("number"), as_text("{}")).limit(bindparam("limit"))

    assert len(rows_at_once(session, statement, {"limit": limit})) == limit


def test_texts_come_in_their_frame_as_the_database_keeps_them(session: Session) -> None:
    texts = union_all(
        *(
            select(literal(number).label("number"), as_text(text))
            for number, text in enumerate(TEXTS)
        )
    ).subquery()
    statement = select(texts.c.t).order_by(texts.c.number.desc()).limit(bindparam("limit"))

    def framed(limit: int) -> tuple[int, bytes]:
        return texts_at_once(session, statement, {"limit": limit}, FRAME)

    assert framed(2) == (2, b"<'{}},{[]>")
    assert framed(9) == (3, f"<'{{}}}},{{[]}},{{{TEXTS[0]}>".encode())
    assert framed(1) == (1, b"<'{}>")
    assert framed(0) == (0, b"<'>")


def test_texts_that_cannot_be_read_are_an_error_as_any_other(session: Session) -> None:
    statement: Select[str] = select(literal_column("no_such_column", Text).label("t"))

    with pytest.raises(DBAPIError):
        texts_at_once(session, statement, {}, FRAME)
