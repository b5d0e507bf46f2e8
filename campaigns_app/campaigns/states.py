"""What a campaign, and each of its recipients, can be in."""

from enum import IntEnum, StrEnum


class CampaignType(IntEnum):
    """Whether a campaign runs once at its time, or goes on by rules."""

    ONGOING = 0
    ONE_OFF = 1


class CampaignStatus(IntEnum):
    """Whether a campaign may still start. It is completed at the *start* of its execution, so
    that neither a retry nor a second worker can start it again; see `Phase` for the rest."""

    ACTIVE = 0
    COMPLETED = 1


class Phase(StrEnum):
    """What is happening with a campaign; derived from its columns, never stored."""

    SCHEDULED = "scheduled"
    PAUSED = "paused"
    SENDING = "sending"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class RecipientState(StrEnum):
    """How far a campaign got with one contact. Each has a counter of that name in its batch."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why a recipient is in a state that is not the usual one."""

    BLOCKED = "blocked"
    OPTED_OUT = "opted_out"
    NO_PHONE = "no_phone"
    INVALID_PHONE = "invalid_phone"
    NO_ADDRESS = "no_address"
    DUPLICATE_PHONE = "duplicate_phone"
    CONTACT_DELETED = "contact_deleted"
    RENDERING_FAILED = "rendering_failed"
    DELIVERY_FAILED = "delivery_failed"
    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    """The provider refused this message, or gave it up; its code and words say why."""
    NO_ANSWER = "no_answer"
    TRY_AGAIN = "try_again"
    QUIET_HOURS = "quiet_hours"
    BLANK_PARAMETER = "blank_parameter"
    LEFT_TO_A_PERSON = "left_to_a_person"
    """The provider could not say, when it was asked or by itself."""
    DECIDED_BY_A_PERSON = "decided_by_a_person"


class Follows(StrEnum):
    """For whom of another campaign a follow-up campaign is."""

    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    NEW = "new"
    """Who matches the audience now and is in no ledger of the campaign or of its follow-ups."""


RARE_STATES = (
    RecipientState.SENDING,
    RecipientState.FAILED,
    RecipientState.SKIPPED,
    RecipientState.UNKNOWN,
    RecipientState.CANCELLED,
)
"""The states that few recipients are in, and that somebody wants to find: they have an index."""
