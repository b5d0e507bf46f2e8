"""What a program may say about an inbox."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from campaigns_app.api.schemas import parse
from campaigns_app.api.webhook_params import MOST_ENTRIES, Blank, PlainText
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import FieldError, InvalidInput
from campaigns_app.inboxes.drafts import InboxDraft

TYPE = "type"


class InboxParams(BaseModel):
    """The attributes of an inbox that can be set. What is not sent keeps its value.

    `channel` holds the settings of the inbox's channel, secrets among them, by their names, and
    for a new inbox its `type` (`api`, ...). Null takes a setting, a secret or the `rate` away.
    """

    model_config = ConfigDict(strict=True)

    name: Annotated[PlainText, Blank] = ""
    channel: Annotated[dict[PlainText, Any], Field(max_length=MOST_ENTRIES)] = Field(
        default_factory=dict
    )
    rate: float | None = None


def read_draft(params: Mapping[str, Any]) -> InboxDraft:
    """The inbox that is to be made. Raises `InvalidInput` naming what has the wrong type."""
    said = parse(InboxParams, params)
    settings = _texts(said.channel)
    # As Chatwoot spells it, or as inboxes say it.
    names = {name: one.name for one in get_channels() for name in (one.name, one.slug)}
    return InboxDraft(said.name, names.get(settings.pop(TYPE, ""), ""), settings, said.rate)


def read_changes(params: Mapping[str, Any], present: InboxDraft) -> InboxDraft:
    """The inbox as it is to be, of which `present` says what it is. Raises as `read_draft`."""
    values = parse(InboxParams, params).model_dump(exclude_unset=True)
    settings = _texts(values.pop("channel", {}))
    return replace(present, settings={**present.settings, **settings}, **values)


def _texts(channel: Mapping[str, Any]) -> dict[str, str]:
    faults = list(_faults(channel))
    if faults:
        raise InvalidInput(faults)
    return {name: "" if value is None else str(value) for name, value in channel.items()}


def _faults(channel: Mapping[str, Any]) -> Iterator[FieldError]:
    for name, value in channel.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            title = name.replace("_", " ").capitalize()
            yield FieldError(name, f"{title} must be text or a number")
