"""What a program may say about the audit log, and what it is answered."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, RootModel
from pydantic_core import PydanticCustomError

from campaigns_app.accounts.audit import KNOWN_ACTIONS
from campaigns_app.api.body import LARGEST_NUMBER
from campaigns_app.api.schemas import MOST_PER_PAGE, parse
from campaigns_app.webhooks.objects import Exact, IsoTime

RowId = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


def _check_action(value: str) -> str:
    if value not in KNOWN_ACTIONS:
        raise PydanticCustomError("unknown_action", "not recorded")
    return value


Action = Annotated[
    str, AfterValidator(_check_action), Field(json_schema_extra={"enum": sorted(KNOWN_ACTIONS)})
]


class AuditParams(BaseModel):
    """Which entries are wanted, what a person did or of one kind, and how many."""

    user_id: RowId | None = None
    action: Action | None = None
    before: RowId | None = None
    per_page: int = Field(default=25, ge=1, le=MOST_PER_PAGE)


class PersonObject(Exact):
    """Whoever did it."""

    id: int
    name: str


class AuditSubject(Exact):
    """What it was done to, `title` as it is called now or, once it is gone, was called then."""

    type: str
    id: int | None
    title: str


class AuditEntryObject(Exact):
    """Something that was done; without a `user`, by the app itself."""

    id: int
    action: str
    user: PersonObject | None
    subject: AuditSubject | None
    remote_address: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    note: str | None
    created_at: IsoTime


class AuditLogAnswer(RootModel[list[AuditEntryObject]]):
    """A page of the audit log, newest first."""


def read_audit_params(arguments: Mapping[str, str]) -> AuditParams:
    """The part of the log that `arguments` of an address ask for. Raises `InvalidInput`."""
    return parse(AuditParams, dict(arguments))
