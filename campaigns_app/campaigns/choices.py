"""What a campaign can be made of: the account's inboxes and members, for forms."""

from collections.abc import Collection

from sqlalchemy import Select, select

from campaigns_app.accounts.models import Membership, User
from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Inbox


def usable_inboxes(account_id: int, inbox_types: Collection[str]) -> list[Inbox]:
    """The account's enabled inboxes of these types, by name."""
    return list(
        db.session.scalars(
            select(Inbox)
            .where(
                Inbox.account_id == account_id,
                Inbox.enabled.is_(True),
                Inbox.inbox_type.in_(inbox_types),
            )
            .order_by(Inbox.name)
        )
    )


def find_inbox(account_id: int, inbox_id: int | None) -> Inbox | None:
    """The account's inbox with that id, enabled or not; None when there is none."""
    return db.session.scalar(
        select(Inbox).where(Inbox.account_id == account_id, Inbox.id == inbox_id)
    )


def possible_senders(account_id: int) -> list[User]:
    """The account's members by name."""
    return list(db.session.scalars(_members(account_id).order_by(User.name, User.id)))


def find_sender(account_id: int, sender_id: int | None) -> User | None:
    """The account's member with that id; None when there is none."""
    if sender_id is None:
        return None
    return db.session.scalar(_members(account_id).where(User.id == sender_id))


def _members(account_id: int) -> Select[User]:
    return (
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.account_id == account_id)
    )
