"""Contact, label, suppression, import."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns_app.database.types import Base, BigId, utcnow

LONGEST_TEXT = 255
"""Characters in a name, an identifier or a label's title."""
KEYS = ("identifier", "email", "phone_number")
"""What a contact is known by, the strongest first; a contact has at least one of them."""
DEFAULT_COLOR = "#1f93ff"


class Label(Base):
    """A name that contacts carry; `title` is lower case and has no spaces."""

    __tablename__ = "labels"
    __table_args__ = (
        UniqueConstraint("account_id", "id"),
        UniqueConstraint("account_id", "title"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text, default="")
    color: Mapped[str] = mapped_column(String(7), default=DEFAULT_COLOR)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class Contact(Base):
    """A person. `phone_number` is E.164 with its plus sign, `email` is lower case; these and
    `identifier` (another system's name for the person) are unique in the account where given."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("account_id", "id"),
        *(
            Index(
                f"uq_contacts_account_id_{column}",
                "account_id",
                column,
                unique=True,
                sqlite_where=text(f"{column} IS NOT NULL"),
                postgresql_where=text(f"{column} IS NOT NULL"),
            )
            for column in KEYS
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str | None] = mapped_column(String(255))
    phone_number: Mapped[str | None] = mapped_column(String(20))
    identifier: Mapped[str | None] = mapped_column(String(255))
    blocked: Mapped[bool] = mapped_column(default=False)
    custom_attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    additional_attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    labels: Mapped[list[Label]] = relationship(
        secondary="contact_labels", order_by=Label.title, viewonly=True
    )


class ContactLabel(Base):
    """That a contact carries a label. Both are of the account named here; the keys see to it."""

    __tablename__ = "contact_labels"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "contact_id"],
            ["contacts.account_id", "contacts.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["account_id", "label_id"], ["labels.account_id", "labels.id"], ondelete="CASCADE"
        ),
        Index(None, "contact_id"),
    )

    label_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(BigId)


class Suppression(Base):
    """An address that must not be messaged, and how that came to be: a phone number, an e-mail
    address, or another with its kind before it (`telegram:4711`)."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("account_id", "address"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(255))
    source: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class ContactImport(Base):
    """A file of contacts that was imported, and what became of its rows.

    `rejected` holds the rows that were not taken, as `line`, `column`, `reason` and `value`; where
    they are very many, the first of them.
    """

    __tablename__ = "contact_imports"
    __table_args__ = (Index(None, "account_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    file_name: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    row_count: Mapped[int]
    created_count: Mapped[int]
    updated_count: Mapped[int]
    unchanged_count: Mapped[int]
    rejected_count: Mapped[int]
    blank_count: Mapped[int]
    labels_created_count: Mapped[int]
    rejected: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
