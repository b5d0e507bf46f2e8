"""Which of a message's variables come out blank for a contact, so that the message has a hole.

Asked of the database, which answers for any number of contacts.
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, false, func, or_

from campaigns_app.campaigns.substitution import COMPUTED
from campaigns_app.contacts.models import Contact

BLANKS = (
    " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""Every character that `str.strip()` takes away, the most usual first: the databases' own `trim`
knows only that one."""

_BRACKETS = re.compile(r"""(?<!\s)\s*\[\s*(['"])([\w-]+)\1\s*\]""")
_OUTPUT = re.compile(r"\{\{-?\s*contact((?:\s*\.\s*[\w-]+)+)\s*(\|[^}]*)?-?\}\}")
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_DEFAULT = re.compile(r"\|\s*default\b")


def bare_variables(*texts: str) -> list[str]:
    """The variables of the contact that are written out in the texts, without their first word:
    not those with a default, nor those that a tag asks for before (`{% if contact.email %}`)."""
    found = []
    for text in map(_with_dots, texts):
        asked = " ".join(_TAG.findall(text))
        for path, filters in _OUTPUT.findall(text):
            name = _named(path)
            if not _DEFAULT.search(filters) and f"contact.{name}" not in asked:
                found.append(name)
    return list(dict.fromkeys(found))


def only_variables(text: str) -> list[str] | None:
    """The variables of the contact that a text consists of; None where there is more to it, so that
    only writing it out says whether it is blank."""
    dotted = _with_dots(text)
    found = _OUTPUT.findall(dotted)
    names = [_named(path) for path, _ in found]
    is_more = any(filters for _, filters in found) or _OUTPUT.sub("", dotted).strip()
    is_computed = any(COMPUTED.intersection(name.split(".")) for name in names)
    return None if is_more or is_computed else names


def lacks(name: str) -> ColumnElement[bool]:
    """That a contact's variable of this name has no visible character."""
    path = name.split(".")
    if path[0] in ("name", "first_name"):
        return func.trim(Contact.name, BLANKS) == ""
    if path[0] == "last_name":
        words = func.trim(Contact.name, BLANKS)
        return ~or_(*(words.contains(blank) for blank in BLANKS))
    if path[0] == "email":
        return _is_blank(Contact.email)
    if path[0] == "phone_number":
        return _is_blank(Contact.phone_number)
    if path[0] == "custom_attribute" and len(path) > 1:
        return _is_blank(Contact.custom_attributes[tuple(path[1:])].as_string())
    return false()


def lacks_all(names: list[str]) -> ColumnElement[bool]:
    """That each of a contact's variables of these names has no visible character."""
    return and_(*(lacks(name) for name in names))


def _with_dots(text: str) -> str:
    """The text with `contact["email"]` as `contact.email`."""
    return _BRACKETS.sub(r".\2", text)


def _named(path: str) -> str:
    return "".join(path.split()).removeprefix(".")


def _is_blank(value: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    return value.is_(None) | (func.trim(value, BLANKS) == "")
