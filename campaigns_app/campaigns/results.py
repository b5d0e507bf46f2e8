"""What became of recipients, and how it is written into the ledger, many at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Table,
    Text,
    Update,
    bindparam,
    case,
    column,
    func,
    update,
)
from sqlalchemy.types import TypeEngine

from campaigns_app.campaigns.leases import Lease
from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.database.clock import database_now
from campaigns_app.database.one_trip import Step
from campaigns_app.database.types import UTCDateTime

GIVEN: Mapping[str, TypeEngine[Any]] = {
    "contact": BigInteger(),
    **dict.fromkeys(("new_state", "new_reason", "new_error", "new_code", "message_id"), Text()),
    "next_at": UTCDateTime(),
    "is_sent": Boolean(),
}
"""What is written of a result."""


class Result(NamedTuple):
    """What became of a recipient who was `sending`; `pending` again where it may be tried later,
    not before `next_attempt_at`. A tuple, for a worker makes thousands a second."""

    contact_id: int
    state: RecipientState
    reason: str | None = None
    error: str | None = None
    code: str | None = None
    provider_message_id: str | None = None
    next_attempt_at: datetime | None = None


def recording(
    dialect: str, lease: Lease, results: Sequence[Result], before: RecipientState
) -> list[Step]:
    """The steps that write down what became of recipients who are in the state `before`."""
    if not results:
        return []
    rows, of_campaign = [_row(result) for result in results], {"campaign": lease.campaign_id}
    if dialect == "postgresql":
        lists = dict(zip(GIVEN, map(list, zip(*rows, strict=True)), strict=True))
        return [Step(_writing(before, together=True), lists | of_campaign)]
    values = [dict(zip(GIVEN, row, strict=True)) | of_campaign for row in rows]
    return [Step(_writing(before, together=False), values)]


def _row(result: Result) -> tuple[Any, ...]:
    contact_id, state, *rest = result
    return (contact_id, state.value, *rest, state is RecipientState.SENT)


@cache
def _writing(before: RecipientState, *, together: bool) -> Update:
    """The statement for one result; or for all `together`, a list for each column, which
    PostgreSQL does in a fifth of the time."""
    table = cast(Table, CampaignRecipient.__table__)
    given: Any = (
        _unnested() if together else {name: bindparam(name, type_=of) for name, of in GIVEN.items()}
    )
    return (
        update(table)
        .where(
            table.c.campaign_id == bindparam("campaign"),
            table.c.contact_id == given["contact"],
            table.c.state == before.value,
        )
        .values(
            state=given["new_state"],
            reason=given["new_reason"],
            error=given["new_error"],
            provider_code=given["new_code"],
            provider_message_id=given["message_id"],
            next_attempt_at=given["next_at"],
            sent_at=case((given["is_sent"], database_now())),
            updated_at=database_now(),
        )
    )


def _unnested() -> Any:
    lists = [bindparam(name, type_=ARRAY(of)) for name, of in GIVEN.items()]
    columns = [column(name, of) for name, of in GIVEN.items()]
    return func.unnest(*lists).table_valued(*columns, name="given").render_derived().c
