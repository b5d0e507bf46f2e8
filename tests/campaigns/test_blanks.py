"""Who lacks what a message says is asked of the database, and is whom a written message shows."""

import sys
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.blanks import (
    BLANKS,
    bare_variables,
    lacks,
    lacks_all,
    only_variables,
)
from campaigns_app.campaigns.ledger import CONTACT_COLUMNS
from campaigns_app.campaigns.rendering import MessageTemplate, Surroundings
from campaigns_app.contacts.models import Contact
from tests.factories import make_contact

NOTHING_AROUND = Surroundings({}, {}, None)
NAMES = ("", " ", "Ana", "Ana Lima", " Ana\u2003", "Ana\u00a0Lima", "Ana\tLima", "\u3000", "L'%_ x")
ATTRIBUTES: tuple[dict[str, Any], ...] = (
    {},
    {"plan": "Gold", "a-b": "c", "trip": {"day": "Sunday"}},
    {"plan": " \n", "a-b": "", "trip": {"day": None}},
    {"plan": None, "trip": {}},
    {"plan": 0, "a-b": False, "trip": "no more than a text"},
)


@pytest.mark.parametrize(
    "name",
    [
        *("id", "name", "first_name", "last_name", "email", "phone_number"),
        *("custom_attribute.plan", "custom_attribute.a-b"),
        *("custom_attribute.trip.day", "custom_attribute.typo", "custom_attribute"),
    ],
)
def test_who_lacks_a_variable_is_for_whom_it_is_written_blank(
    session: Session, account: Account, name: str
) -> None:
    for person in NAMES:
        make_contact(account, name=person)
    for attributes in ATTRIBUTES:
        make_contact(account, custom_attributes=attributes, email=None, phone_number=None)
    template = MessageTemplate(f"{{{{ contact.{name} }}}}")

    rows = session.execute(select(*CONTACT_COLUMNS)).all()
    written = {
        row.id for row in rows if not template.render(row._asdict(), 1, NOTHING_AROUND).strip()
    }

    assert set(session.scalars(select(Contact.id).where(lacks(name)))) == written


def test_of_several_variables_all_must_be_lacking(session: Session, account: Account) -> None:
    make_contact(account, name="Ana", email=None)
    neither = make_contact(account, name="", email=None).id

    lacking = session.scalars(select(Contact.id).where(lacks_all(["first_name", "email"])))

    assert lacking.all() == [neither]


def test_blanks_are_all_that_python_takes_for_such() -> None:
    assert set(BLANKS) == {chr(n) for n in range(sys.maxunicode) if chr(n).isspace()}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ contact.first_name }}", ["first_name"]),
        (
            " {{contact.email}}\n{{- contact.custom_attribute.plan -}}",
            ["email", "custom_attribute.plan"],
        ),
        ("{{ contact['email'] }}", ["email"]),
        ('{{ contact.custom_attribute[ "plan" ] }}', ["custom_attribute.plan"]),
        ("{{ contact . email }}", ["email"]),
        ("Dear {{ contact.first_name }}", None),
        ("{{ contact.first_name | upcase }}", None),
        ("{{ contact.first_name }}{{ agent.name }}", None),
        ("{% if contact.email %}{{ contact.email }}{% endif %}", None),
        ("{{ contact.custom_attribute.size }}", None),
        ("`{{ contact.email }}`", None),
    ],
)
def test_a_text_of_nothing_but_variables_needs_not_be_written_out(
    text: str, names: list[str] | None
) -> None:
    assert only_variables(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Dear {{ contact['first_name'] }} of {{ contact . email }}", ["first_name", "email"]),
        ("{% if contact['email'] %}{{ contact.email }}{% endif %}", []),
        ("{{ contact['email'] | default: 'x' }}", []),
    ],
)
def test_a_variable_is_found_however_it_is_spelled(text: str, names: list[str]) -> None:
    assert bare_variables(text) == names
