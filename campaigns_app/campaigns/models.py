"""Campaign, and its ledger: recipients in batches."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.states import (
    RARE_STATES,
    CampaignStatus,
    CampaignType,
    Phase,
)
from campaigns_app.database.types import Base, BigId, utcnow
from campaigns_app.inboxes.models import Inbox

TITLE_LENGTH = 255
MESSAGE_LENGTH = 20_000


class Campaign(Base):
    """A message written once for everybody who carries one of its audience's labels.

    `audience` is a list of `{"type": "Label", "id": 1}`. `id` is internal; people and the API
    know a campaign by `display_id`, numbered from 1 in each account. A campaign that `follows_id`
    another is for those of the other's recipients, or of its audience, that `follows` says; it is
    no foreign key, because the follow-up stays what it was when the other is deleted.
    `pause_reason` says why its provider refuses what it says, until somebody resumes it.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        UniqueConstraint("account_id", "display_id"),
        UniqueConstraint("account_id", "idempotency_key"),
        ForeignKeyConstraint(["account_id", "inbox_id"], ["inboxes.account_id", "inboxes.id"]),
        Index(None, "account_id"),
        Index(None, "inbox_id"),
        Index(None, "follows_id"),
        Index(None, "campaign_status"),
        Index(None, "campaign_type"),
        Index(None, "scheduled_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    display_id: Mapped[int] = mapped_column(Integer)
    inbox_id: Mapped[int] = mapped_column(BigId)
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    description: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    campaign_type: Mapped[int] = mapped_column(SmallInteger, default=CampaignType.ONGOING)
    campaign_status: Mapped[int] = mapped_column(SmallInteger, default=CampaignStatus.ACTIVE)
    enabled: Mapped[bool] = mapped_column(default=True)
    audience: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    scheduled_at: Mapped[datetime | None]
    trigger_rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    trigger_only_during_business_hours: Mapped[bool] = mapped_column(default=False)
    template_params: Mapped[dict[str, Any] | None]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    idempotency_fingerprint: Mapped[str | None] = mapped_column(String(64))
    follows_id: Mapped[int | None] = mapped_column(BigId)
    follows: Mapped[str | None] = mapped_column(String(10))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)
    pause_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    account: Mapped[Account] = relationship(viewonly=True)
    inbox: Mapped[Inbox] = relationship(viewonly=True)
    sender: Mapped[User | None] = relationship(foreign_keys=[sender_id], viewonly=True)
    followed: Mapped["Campaign | None"] = relationship(
        primaryjoin="foreign(Campaign.follows_id) == remote(Campaign.id)", viewonly=True
    )

    @property
    def phase(self) -> Phase:
        """What is happening with this campaign now."""
        if self.failure is not None:
            return Phase.FAILED
        if self.cancelled_at is not None:
            return Phase.CANCELLED
        if self.finished_at is not None:
            return Phase.FINISHED
        if not self.enabled:
            return Phase.PAUSED
        return Phase.SENDING if self.started_at is not None else Phase.SCHEDULED

    @property
    def is_completed(self) -> bool:
        """Whether execution has begun; from then on the campaign cannot be changed."""
        return self.campaign_status == CampaignStatus.COMPLETED

    @property
    def is_under_way(self) -> bool:
        """Whether it has started and is not over: it is being sent, or paused on the way."""
        return self.started_at is not None and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen with it any more."""
        return self.phase in {Phase.FINISHED, Phase.CANCELLED, Phase.FAILED}

    @property
    def label_ids(self) -> list[int]:
        """The ids of the labels in the audience."""
        return [entry["id"] for entry in self.audience if entry.get("type") == "Label"]


_IS_RARE = text(f"state IN ({', '.join(repr(state.value) for state in RARE_STATES)})")


class CampaignRecipient(Base):
    """The ledger: one row for each contact of a campaign, written when it starts.

    `contact_id` is no foreign key on purpose: the row tells what happened even after the contact
    is gone. The conversation made for it is found by campaign and contact.
    """

    __tablename__ = "campaign_recipients"
    __table_args__ = (
        UniqueConstraint("campaign_id", "contact_id"),
        Index(None, "contact_id"),
        Index(
            "ix_campaign_recipients_rare",
            "campaign_id",
            "state",
            "contact_id",
            sqlite_where=_IS_RARE,
            postgresql_where=_IS_RARE,
        ),
        Index(
            None,
            "provider_message_id",
            sqlite_where=text("provider_message_id IS NOT NULL"),
            postgresql_where=text("provider_message_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigId)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    contact_id: Mapped[int] = mapped_column(BigId)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(40))
    error: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    provider_message_id: Mapped[str | None] = mapped_column(String(255))
    next_attempt_at: Mapped[datetime | None]
    provider_code: Mapped[str | None] = mapped_column(String(40))
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]


def _counter() -> Mapped[int]:
    return mapped_column(Integer, default=0, server_default=text("0"))


class CampaignBatch(Base):
    """The unit of work: the recipients of one campaign from one contact id to another.

    A worker holds it under a lease; `fence` rises whenever it is taken, and every write names it,
    so that a worker that lost the batch without noticing changes nothing. The counters, one for
    each `RecipientState`, are kept in the transaction that changes the rows they count. Nobody
    takes it before `resume_at`: all who are left wait for something.
    """

    __tablename__ = "campaign_batches"
    __table_args__ = (
        UniqueConstraint("campaign_id", "first_contact_id"),
        Index(
            "ix_campaign_batches_open",
            "campaign_id",
            "id",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    first_contact_id: Mapped[int] = mapped_column(BigInteger)
    last_contact_id: Mapped[int] = mapped_column(BigInteger)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_expires_at: Mapped[datetime | None]
    resume_at: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    finished_at: Mapped[datetime | None]
    total: Mapped[int] = _counter()
    pending: Mapped[int] = _counter()
    sending: Mapped[int] = _counter()
    sent: Mapped[int] = _counter()
    delivered: Mapped[int] = _counter()
    read: Mapped[int] = _counter()
    failed: Mapped[int] = _counter()
    skipped: Mapped[int] = _counter()
    unknown: Mapped[int] = _counter()
    cancelled: Mapped[int] = _counter()


class AudienceLook(Base):
    """Whom a campaign would have reached when a person last looked; what has changed since is
    told from it. `contact_ids` is as `drift.pack_ids` writes it."""

    __tablename__ = "audience_looks"
    __table_args__ = (UniqueConstraint("campaign_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    looked_at: Mapped[datetime]
    contact_ids: Mapped[bytes] = mapped_column(LargeBinary)
