"""What a program may say about a webhook endpoint."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from campaigns_app.api.schemas import parse
from campaigns_app.database.text import is_storable
from campaigns_app.webhooks.drafts import EndpointDraft
from campaigns_app.webhooks.events import CHATWOOTS_EVENTS

MOST_ENTRIES = 1000
"""Of lists and objects; far fewer are accepted, but nobody needs to look at more."""


def _check_text(value: str) -> str:
    if not is_storable(value):
        raise PydanticCustomError("string_unicode", "not text")
    return value


PlainText = Annotated[str, AfterValidator(_check_text)]
Blank = BeforeValidator(lambda value: "" if value is None else value)


class WebhookParams(BaseModel):
    """The attributes of a webhook endpoint that can be set. What is not sent keeps its value, or
    gets the one given here.

    Without `subscriptions`, or with null, those that Chatwoot has, too. A header whose value is
    sent back as it was shown, as dots, keeps the one that is stored.
    """

    model_config = ConfigDict(strict=True)

    url: Annotated[PlainText, Blank] = ""
    name: Annotated[PlainText, Blank] = ""
    subscriptions: Annotated[
        list[PlainText],
        Field(max_length=MOST_ENTRIES),
        BeforeValidator(lambda value: list(CHATWOOTS_EVENTS) if value is None else value),
    ] = list(CHATWOOTS_EVENTS)
    headers: Annotated[dict[PlainText, PlainText], Field(max_length=MOST_ENTRIES)] = Field(
        default_factory=dict
    )
    enabled: bool = True
    batch_size: int = 1


class RotationParams(BaseModel):
    """How a secret is replaced: with `keep_old` false, as for one that has leaked, the old one
    stops signing at once."""

    model_config = ConfigDict(strict=True)

    keep_old: bool = True


def read_draft(params: Mapping[str, Any]) -> EndpointDraft:
    """The endpoint that is to be made. Raises `InvalidInput` naming what has the wrong type."""
    return EndpointDraft(**_values(parse(WebhookParams, params).model_dump()))


def read_changes(params: Mapping[str, Any], present: EndpointDraft) -> EndpointDraft:
    """The endpoint as it is to be, of which `present` says what it is. Raises as `read_draft`."""
    return replace(present, **_values(parse(WebhookParams, params).model_dump(exclude_unset=True)))


def read_rotation(params: Mapping[str, Any]) -> RotationParams:
    """How a secret is to be replaced. Raises as `read_draft`."""
    return parse(RotationParams, params)


def _values(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.strip() if name == "url" else value for name, value in values.items()}
