"""What workers have taken: blocks of deliveries, each under a lease.

One row says it of thousands, so that a delivery is written once on its way, when it has come to an
end. Nothing here commits but where it says so.
"""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from campaigns_app.database.among import ids_in
from campaigns_app.database.clock import database_now, now_plus
from campaigns_app.webhooks.models import WebhookBlock, WebhookDelivery


def is_taken(dialect: str) -> ColumnElement[bool]:
    """Whether a delivery is in anybody's block."""
    return WebhookDelivery.id.in_(ids_in(dialect, WebhookBlock.delivery_ids))


def is_on_its_way(session: Session) -> ColumnElement[bool]:
    """Whether a delivery is in the block of a worker that has its lease still."""
    ids = ids_in(session.connection().dialect.name, WebhookBlock.delivery_ids)
    return WebhookDelivery.id.in_(ids.where(WebhookBlock.lease_expires_at > database_now()))


def take(session: Session, owner: str, delivery_ids: Iterable[int], lease_seconds: int) -> int:
    """Make a block of these for `owner`; returns its id."""
    block = insert(WebhookBlock).values(
        owner=owner, lease_expires_at=now_plus(lease_seconds), delivery_ids=list(delivery_ids)
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


def hold(session: Session, block_ids: Collection[int]) -> Mapping[int, list[int]]:
    """What is left in those of the blocks that are still there, by block; nobody takes it back
    before the end of the transaction."""
    rows = session.execute(
        select(WebhookBlock.id, WebhookBlock.delivery_ids)
        .where(WebhookBlock.id.in_(block_ids))
        .order_by(WebhookBlock.id)
        .with_for_update()
    )
    return {row.id: row.delivery_ids for row in rows}


def let_go(session: Session, held: Mapping[int, list[int]], ended: Collection[int]) -> None:
    """Take the deliveries that have come to an end out of the blocks that `hold` returned."""
    for block_id, ids in held.items():
        left = [one for one in ids if one not in ended]
        this = WebhookBlock.id == block_id
        if left:
            session.connection().execute(update(WebhookBlock).where(this).values(delivery_ids=left))
        else:
            session.connection().execute(delete(WebhookBlock).where(this))
