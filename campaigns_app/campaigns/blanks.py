"""Which of a message's variables come out blank for a contact, so that the message has a hole."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from campaigns_app.campaigns.rendering import contact_values

_OUTPUT = re.compile(r"\{\{-?\s*contact((?:\.[\w-]+)+)\s*(\|[^}]*)?-?\}\}")
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_DEFAULT = re.compile(r"\|\s*default\b")


def bare_variables(*texts: str) -> list[str]:
    """The variables of the contact that are written out in the texts, without their first word:
    not those with a default, nor those that a tag asks for before (`{% if contact.email %}`)."""
    found = []
    for text in texts:
        asked = " ".join(_TAG.findall(text))
        for path, filters in _OUTPUT.findall(text):
            name = path.removeprefix(".")
            if not _DEFAULT.search(filters) and f"contact.{name}" not in asked:
                found.append(name)
    return list(dict.fromkeys(found))


def blank_variables(names: Sequence[str], contact: Mapping[str, Any]) -> list[str]:
    """Those of the variables that are blank for a contact, given by its columns."""
    values = contact_values(contact)
    return [name for name in names if not _is_there(values, name.split("."))]


def _is_there(value: Any, path: Sequence[str]) -> bool:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value is not None and bool(str(value).strip())
