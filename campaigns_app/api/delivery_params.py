"""What a program may say about the deliveries to a webhook endpoint."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from campaigns_app.api.body import LARGEST_NUMBER
from campaigns_app.api.schemas import INSTANT, read_instant
from campaigns_app.errors import FieldError, InvalidInput

REASONS = {
    "state": "must be pending, delivered or failed",
    "event": "is invalid",
    "since": "must be an ISO 8601 time, or Unix seconds",
    "until": "must be an ISO 8601 time, or Unix seconds",
    "before": "must be the id of a delivery",
    "per_page": "must be a whole number from 1 to 100",
}

Params = TypeVar("Params", bound=BaseModel)


class LogParams(BaseModel):
    """Which deliveries are wanted, and how many."""

    state: Literal["pending", "delivered", "failed"] | None = None
    event: Annotated[str, Field(max_length=40)] | None = None
    since: Annotated[datetime | None, BeforeValidator(read_instant), INSTANT] = None
    until: Annotated[datetime | None, BeforeValidator(read_instant), INSTANT] = None
    before: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)] | None = None
    per_page: int = Field(default=25, ge=1, le=100)


class ReplayParams(BaseModel):
    """From when on what has failed is to be sent again; not longer than 14 days ago."""

    model_config = ConfigDict(strict=True)

    since: Annotated[datetime, BeforeValidator(read_instant), INSTANT]


def read_log_params(arguments: Mapping[str, str]) -> LogParams:
    """The part of the log that `arguments` of an address ask for. Raises `InvalidInput`."""
    return _read(LogParams, dict(arguments))


def read_replay_params(params: Mapping[str, Any]) -> ReplayParams:
    """What is to be sent again. Raises `InvalidInput`."""
    return _read(ReplayParams, params)


def _read(model: type[Params], given: Mapping[str, Any]) -> Params:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        names = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors())
        raise InvalidInput(
            FieldError(name, f"{name.replace('_', ' ').capitalize()} {REASONS[name]}")
            for name in names
        ) from error
