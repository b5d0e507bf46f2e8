"""A template as one person will see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liquid.exceptions import LiquidError

from campaigns_app.campaigns.provider_messages import NO_CONVERSATION
from campaigns_app.campaigns.rendering import MessageTemplate, RenderingFailed, Surroundings
from campaigns_app.channels.templates import Content, Template

SOMEBODY: Mapping[str, Any] = {
    "id": 1,
    "name": "Jane Doe",
    "email": "jane.doe@example.com",
    "phone_number": "+15005550006",
    "custom_attributes": {},
}
"""Whoever is shown while no audience is chosen."""


@dataclass(frozen=True, slots=True)
class TemplatePreview:
    """What a contact of that `name` will see; `blank` are the parameters that come out blank for
    them although something was written, for which they will be skipped."""

    content: Content
    name: str
    is_made_up: bool
    blank: tuple[str, ...]


def preview_template(
    template: Template,
    values: Mapping[str, Any],
    contact: Mapping[str, Any] | None,
    around: Surroundings,
) -> TemplatePreview:
    """The template with `values`, by the parameters' keys, for a contact given by its columns, or
    for somebody made up."""
    person = contact or SOMEBODY
    given = {key: str(value) for key, value in values.items() if value}
    written = {key: _written(text, person, around) for key, text in given.items()}
    blank = tuple(key for key, text in written.items() if not text.strip())
    return TemplatePreview(template.content(written), person["name"], contact is None, blank)


def _written(text: str, contact: Mapping[str, Any], around: Surroundings) -> str:
    try:
        return MessageTemplate(text).render(contact, NO_CONVERSATION, around)
    except (LiquidError, RecursionError, RenderingFailed):
        return text  # The field says what is wrong with it.
