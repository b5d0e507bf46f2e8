"""What workers have taken: blocks of deliveries, each under a lease.

One row says it of thousands, so that a delivery is written once on its way, when it has come to an
end. Nothing here commits but where it says so.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from campaigns_app.database.among import ids_in
from campaigns_app.database.clock import database_now, now_plus
from campaigns_app.webhooks.bundle_model import WebhookBundle
from campaigns_app.webhooks.models import WebhookBlock, WebhookDelivery


class Held(NamedTuple):
    """What is left in a block."""

    delivery_ids: list[int]
    bundle_ids: list[int]


def is_taken(dialect: str) -> ColumnElement[bool]:
    """Whether a delivery that goes its own way is in anybody's block."""
    return WebhookDelivery.id.in_(ids_in(dialect, WebhookBlock.delivery_ids))


def is_bundle_taken(dialect: str) -> ColumnElement[bool]:
    """Whether a bundle is in anybody's block."""
    return WebhookBundle.id.in_(ids_in(dialect, WebhookBlock.bundle_ids))


def is_on_its_way(session: Session) -> ColumnElement[bool]:
    """Whether a delivery, or the bundle it is in, is in the block of a worker that has its lease
    still."""
    dialect = session.connection().dialect.name
    has_lease = WebhookBlock.lease_expires_at > database_now()
    deliveries = ids_in(dialect, WebhookBlock.delivery_ids).where(has_lease)
    bundles = ids_in(dialect, WebhookBlock.bundle_ids).where(has_lease)
    of_bundle = func.coalesce(WebhookDelivery.bundle_id, 0)
    return WebhookDelivery.id.in_(deliveries) | of_bundle.in_(bundles)


def take(
    session: Session,
    owner: str,
    delivery_ids: Iterable[int],
    bundle_ids: Iterable[int],
    lease_seconds: int,
) -> int:
    """Make a block of these for `owner`; returns its id."""
    block = insert(WebhookBlock).values(
        owner=owner,
        lease_expires_at=now_plus(lease_seconds),
        delivery_ids=list(delivery_ids),
        bundle_ids=list(bundle_ids),
    )
    return session.scalars(block.returning(WebhookBlock.id)).one()


def remove_expired(session: Session) -> None:
    """Take back what dead workers held. One that comes to life after all, and is just writing down
    what came of it, is left its block."""
    expired = (
        select(WebhookBlock.id)
        .where(WebhookBlock.lease_expires_at <= database_now())
        .with_for_update(skip_locked=True)
    )
    session.connection().execute(delete(WebhookBlock).where(WebhookBlock.id.in_(expired)))


def hold(session: Session, block_ids: Collection[int]) -> Mapping[int, Held]:
    """What is left in those of the blocks that are still there, by block; nobody takes it back
    before the end of the transaction."""
    rows = session.execute(
        select(WebhookBlock.id, WebhookBlock.delivery_ids, WebhookBlock.bundle_ids)
        .where(WebhookBlock.id.in_(block_ids))
        .order_by(WebhookBlock.id)
        .with_for_update()
    )
    return {row.id: Held(row.delivery_ids, row.bundle_ids) for row in rows}


def let_go(
    session: Session,
    held: Mapping[int, Held],
    delivery_ids: Collection[int],
    bundle_ids: Collection[int] = (),
) -> None:
    """Take what has come to an end out of the blocks that `hold` returned."""
    for block_id, block in held.items():
        left = Held(
            [one for one in block.delivery_ids if one not in delivery_ids],
            [one for one in block.bundle_ids if one not in bundle_ids],
        )
        this = WebhookBlock.id == block_id
        if any(left):
            change = update(WebhookBlock).where(this).values(left._asdict())
            session.connection().execute(change)
        else:
            session.connection().execute(delete(WebhookBlock).where(this))
