"""What a program may say about a campaign, and about which part of a list it wants.

Types are strict: `"3"` is no number. Keys that are not listed here are ignored, as Chatwoot does,
so `campaign_status`, `campaign_type` and `display_id` cannot be set. Whether the values make a
campaign is for the service to say.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from campaigns_app.api.body import LARGEST_NUMBER, is_storable_json
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.models import MESSAGE_LENGTH
from campaigns_app.campaigns.settling import CHOICES
from campaigns_app.campaigns.states import Follows, RecipientState
from campaigns_app.database.text import is_storable
from campaigns_app.errors import FieldError, InvalidInput

MOST_LABELS = 1000
MOST_PER_PAGE = 100
LAST_PAGE = 1_000_000

Params = TypeVar("Params", bound=BaseModel)

NAMES = {"inbox_id": "Inbox", "sender_id": "Sender"}
"""What an attribute is called where it is not called after its key."""

REASONS = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "instant": "must be an ISO 8601 time, or Unix seconds",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "model_type": "must be a list of objects with type and id",
    "string_type": "must be text",
    "string_unicode": "contains characters that are not text",
    "string_too_long": "is too long (maximum is {max_length} characters)",
    "too_long": "is too long (maximum is {max_length} entries)",
    "literal_error": 'must name things of the type "Label"',
    "unstorable": "contains characters or numbers that cannot be stored, or is nested too deeply",
    "missing": "must be a list of objects with type and id",
}
"""What is said for each kind of error, pydantic's and ours; other kinds: the value is invalid."""


def read_instant(value: object) -> object:
    """An instant from ISO 8601 text or whole Unix seconds.

    Text without a zone is UTC, as Chatwoot takes it.
    """
    if value is None:
        return None
    try:
        if isinstance(value, str):
            instant = datetime.fromisoformat(value)
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise PydanticCustomError("instant", "not an instant")


def _check_text(value: str | None) -> str | None:
    if value is not None and not is_storable(value):
        raise PydanticCustomError("string_unicode", "not text")
    return value


def _check_object(value: dict[str, Any] | None) -> dict[str, Any] | None:
    if not is_storable_json(value):
        raise PydanticCustomError("unstorable", "not to be stored")
    return value


INSTANT = WithJsonSchema(
    {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}, {"type": "null"}]}
)
Id = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
FreeObject = Annotated[
    dict[str, Any],
    BeforeValidator(lambda value: {} if value is None else value),
    AfterValidator(_check_object),
]


class AudienceEntry(BaseModel):
    """One label of an audience, by its id."""

    model_config = ConfigDict(strict=True)

    type: Literal["Label"]
    id: Id


class CampaignParams(BaseModel):
    """The attributes of a campaign that can be set. What is not sent keeps its value, or gets the
    one given here; null stands for blank."""

    model_config = ConfigDict(strict=True)

    title: Text = ""
    message: Text = ""
    description: Annotated[
        str | None, Field(max_length=MESSAGE_LENGTH), AfterValidator(_check_text)
    ] = None
    inbox_id: Id | None = None
    sender_id: Id | None = None
    enabled: bool = True
    audience: Annotated[
        list[AudienceEntry],
        Field(max_length=MOST_LABELS),
        BeforeValidator(lambda value: [] if value is None else value),
    ] = Field(default_factory=list)
    scheduled_at: Annotated[datetime | None, BeforeValidator(read_instant), INSTANT] = None
    trigger_rules: FreeObject = Field(default_factory=dict)
    trigger_only_during_business_hours: bool = False
    template_params: Annotated[dict[str, Any] | None, AfterValidator(_check_object)] = None


class PageParams(BaseModel):
    """Which page of a list is wanted, how many to a page."""

    page: int = Field(default=1, ge=1, le=LAST_PAGE)
    per_page: int = Field(default=25, ge=1, le=MOST_PER_PAGE)


def read_draft(params: Mapping[str, Any]) -> CampaignDraft:
    """The campaign that is to be made. Raises `InvalidInput` naming what has the wrong type."""
    return CampaignDraft(**parse(CampaignParams, params).model_dump())


def read_changes(params: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be changed, by the names of a draft. Raises `InvalidInput` as `read_draft`."""
    return parse(CampaignParams, params).model_dump(exclude_unset=True)


def read_follows(params: Mapping[str, Any]) -> Follows:
    """For whom a campaign is to be run again. Raises `InvalidInput`."""
    known = [follows.value for follows in Follows]
    if params.get("for") not in known:
        raise InvalidInput([FieldError("for", f"For must be one of {', '.join(known)}")])
    return Follows(params["for"])


def read_settled(params: Mapping[str, Any]) -> RecipientState:
    """What became of a message, as a person says. Raises `InvalidInput`."""
    known = [state.value for state in CHOICES]
    if params.get("state") not in known:
        raise InvalidInput([FieldError("state", f"State must be one of {', '.join(known)}")])
    return RecipientState(params["state"])


def read_page(arguments: Mapping[str, str]) -> PageParams:
    """The page that `arguments` of an address ask for. Raises `InvalidInput`."""
    try:
        return PageParams.model_validate(dict(arguments))
    except ValidationError as error:
        names = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors())
        most = {"page": LAST_PAGE, "per_page": MOST_PER_PAGE}
        raise InvalidInput(
            FieldError(name, f"{_title(name)} must be a whole number from 1 to {most[name]}")
            for name in names
        ) from error


def parse(model: type[Params], params: Mapping[str, Any]) -> Params:
    """`params` as `model` has them. Raises `InvalidInput` naming what has the wrong type."""
    try:
        return model.model_validate(params)
    except ValidationError as error:
        raise InvalidInput(_faults(error)) from error


def _faults(error: ValidationError) -> Iterator[FieldError]:
    """One error for each attribute: its first; a list of a thousand wrong entries is one fault."""
    seen = set()
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0])
        if name not in seen:
            seen.add(name)
            yield FieldError(name, f"{_title(name)} {_reason(fault)}")


def _reason(fault: ErrorDetails) -> str:
    return REASONS.get(fault["type"], "is invalid").format(**fault.get("ctx", {}))


def _title(name: str) -> str:
    return NAMES.get(name, name.replace("_", " ").capitalize())
