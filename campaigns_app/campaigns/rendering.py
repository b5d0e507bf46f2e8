"""Messages: Liquid, parsed once and rendered for each contact.

A message may name `contact`, `agent` (the campaign's sender), `inbox`, `account` and
`conversation`. What stands between backticks is code and is left as it is. Templates come from
people: they see plain values only, can load nothing, and their loops and output are bounded.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError

from campaigns_app.campaigns.bounded_filters import bounded
from campaigns_app.campaigns.substitution import substitution_of

MESSAGE_OUTPUT_LIMIT = 150_000
"""The longest rendered message, in bytes."""

VARIABLES: Mapping[str, frozenset[str]] = {
    "contact": frozenset(
        {"id", "name", "first_name", "last_name", "email", "phone_number", "custom_attribute"}
    ),
    "agent": frozenset({"id", "name", "first_name", "last_name", "available_name", "email"}),
    "inbox": frozenset({"id", "name"}),
    "account": frozenset({"id", "name"}),
    "conversation": frozenset({"id", "display_id", "contact_name", "recent_messages"}),
}
"""What a message may say, by object; `custom_attribute` takes any key of the contact's own."""

_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_FREE_FORM = "custom_attribute"


class RenderingFailed(Exception):
    """A message could not be written for one contact; the text says why, in a line."""


class _Environment(Environment):
    loop_iteration_limit = 10_000
    local_namespace_limit = 100_000
    context_depth_limit = 20
    output_stream_limit = MESSAGE_OUTPUT_LIMIT

    def __init__(self) -> None:
        super().__init__()
        for tag in ("include", "render"):
            del self.tags[tag]
        self.filters = bounded(self.filters)


_environment = _Environment()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all messages of a campaign have in common; plain values by name."""

    account: Mapping[str, Any]
    inbox: Mapping[str, Any]
    sender: Mapping[str, Any] | None
    agent: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "agent", _agent(self.sender))


class MessageTemplate:
    """A parsed message. Raises `LiquidError` when `text` is not Liquid."""

    def __init__(self, text: str) -> None:
        self._code: list[str] = []
        # Code is taken out before Liquid sees it, and comes back as a value.
        self._template = _environment.from_string(_CODE.sub(self._set_aside, text))
        self._substitution = substitution_of(self._template, VARIABLES, MESSAGE_OUTPUT_LIMIT)

    def render(self, contact: Mapping[str, Any], number: int, around: Surroundings) -> str:
        """The message for one contact (`contacts` columns by name), whose conversation has the
        display id `number`. An unknown variable is empty. Raises `RenderingFailed`."""
        values = _values(contact, number, around)
        text = self._substitution.fill(values) if self._substitution else None
        if text is not None:
            return text
        try:
            return self._template.render(values, code=self._code)
        # Filters meet whatever contacts have, "nan" where a number was meant: what they make of it
        # is that contact's, and stops nobody else's message.
        except Exception as error:
            raise RenderingFailed(_first_line(error)) from error

    def faults(self) -> Iterator[str]:
        """The variables in it that no contact could ever have, and the filters there are not."""
        analysis = self._template.analyze()
        paths = [v.segments for found in analysis.globals.values() for v in found]
        for name in dict.fromkeys(_spelled(path) for path in paths if not _is_known(path)):
            yield f"Message uses an unknown variable: {name}"
        for name in analysis.filters:
            if name not in _environment.filters:
                yield f"Message is not valid Liquid: there is no filter {name}"

    def _set_aside(self, code: re.Match[str]) -> str:
        self._code.append(code.group())
        return f"{{{{ code[{len(self._code) - 1}] }}}}"


def check_message(text: str) -> Iterator[str]:
    """What is wrong with a message, a phrase each; nothing when it can be sent."""
    try:
        faults = list(MessageTemplate(text).faults())
    except LiquidError as error:
        yield f"Message is not valid Liquid: {_first_line(error)}"
    except RecursionError:
        yield "Message is not valid Liquid: it is nested too deeply"
    else:
        yield from faults


def contact_values(contact: Mapping[str, Any]) -> dict[str, Any]:
    """What `contact` is in a message, from the contact's columns by name."""
    return {
        "id": contact["id"],
        **_names(_capitalised(contact["name"])),
        "email": contact["email"],
        "phone_number": contact["phone_number"],
        _FREE_FORM: contact["custom_attributes"],
    }


def _values(contact: Mapping[str, Any], number: int, around: Surroundings) -> dict[str, Any]:
    facts = contact_values(contact)
    return {
        "contact": facts,
        "agent": around.agent,
        "inbox": around.inbox,
        "account": around.account,
        "conversation": {
            "id": number,
            "display_id": number,
            "contact_name": facts["name"],
        },
    }


def _is_known(path: list[Any]) -> bool:
    head, *rest = path
    if head == "code":
        return True
    if head not in VARIABLES:
        return False
    if not rest:
        return True
    return rest[0] in VARIABLES[head] and (len(rest) == 1 or rest[0] == _FREE_FORM)


def _spelled(path: list[Any]) -> str:
    return ".".join(str(part) for part in path if not isinstance(part, list))


def _capitalised(name: str) -> str:
    return " ".join([word.capitalize() for word in name.split()])


def _names(name: str) -> dict[str, str]:
    first, _, last = name.partition(" ")
    return {"name": name, "first_name": first, "last_name": last.rpartition(" ")[2]}


def _agent(sender: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if sender is None:
        return {}
    name = _capitalised(sender["name"])
    return {
        "id": sender["id"],
        **_names(name),
        "available_name": name,
        "email": sender["email"],
    }


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
