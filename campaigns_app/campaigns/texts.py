"""Words for what campaigns are and do, chosen at run time.

A channel may have texts of its own (`CAMPAIGN.API.HEADER_TITLE`); one that has none, because it
was added later, gets those for any channel (`CAMPAIGN.CHANNEL.HEADER_TITLE`) with its label in
them. `CAMPAIGN.ALL.HEADER_TITLE` is for all channels together.
"""

from math import ceil
from typing import NamedTuple

from flask_babel import format_decimal
from flask_babel import gettext as _

from campaigns_app.campaigns.findings import Finding
from campaigns_app.campaigns.states import Phase, RecipientState
from campaigns_app.campaigns.why import Answer, Verdict
from campaigns_app.channels.base import Channel


class Status(NamedTuple):
    """A campaign's phase as the page shows it; `kind` and `is_live` are the badge's."""

    kind: str
    text: str
    is_live: bool


_KINDS = {
    Phase.SCHEDULED: "info",
    Phase.PAUSED: "warning",
    Phase.SENDING: "info",
    Phase.FINISHED: "success",
    Phase.CANCELLED: "neutral",
    Phase.FAILED: "danger",
}

_KINDS_OF_STATES = {
    RecipientState.PENDING: "neutral",
    RecipientState.SENDING: "info",
    RecipientState.SENT: "success",
    RecipientState.DELIVERED: "success",
    RecipientState.READ: "success",
    RecipientState.FAILED: "danger",
    RecipientState.SKIPPED: "neutral",
    RecipientState.UNKNOWN: "warning",
    RecipientState.CANCELLED: "neutral",
}


def channel_text(channel: Channel | None, key: str) -> str:
    """The text `key` for campaigns of `channel`; for those of all channels when it is None."""
    if channel is None:
        return str(_(f"CAMPAIGN.ALL.{key}"))
    own = f"CAMPAIGN.{_spelled(channel.slug)}.{key}"
    text = str(_(own))
    return str(_(f"CAMPAIGN.CHANNEL.{key}", channel=channel.label)) if text == own else text


def status_of(phase: Phase) -> Status:
    """How a campaign in `phase` is shown."""
    return Status(_KINDS[phase], _(f"CAMPAIGN.CARD.STATUS.{phase.upper()}"), phase is Phase.SENDING)


def reason_text(reason: str | None) -> str:
    """Why a recipient is in its state; a reason that has no text yet is shown as it is stored."""
    if reason is None:
        return ""
    key = f"CAMPAIGN.REASON.{_spelled(reason)}"
    text = str(_(key))
    return reason if text == key else text


def answer_text(verdict: Verdict) -> str:
    """Whether a contact is in a campaign, and why, in one sentence."""
    reason = reason_text(verdict.reason)
    name = verdict.answer.upper()
    if verdict.answer is Answer.RECIPIENT and verdict.recorded is not None:
        name = f"{name}.{verdict.recorded.recipient.state.upper()}"
    return str(_(f"CAMPAIGN.WHY.{name}", reason=reason[:1].lower() + reason[1:]))


def state_text(state: str) -> str:
    """A recipient's state."""
    return str(_(f"CAMPAIGN.STATE.{_spelled(state)}"))


def follows_text(follows: str) -> str:
    """For whom of another campaign a follow-up is."""
    return str(_(f"CAMPAIGN.RUN_AGAIN.{_spelled(follows)}"))


def kind_of_state(state: str) -> str:
    """The badge of a recipient's state."""
    return _KINDS_OF_STATES[RecipientState(state)]


def _spelled(name: str) -> str:
    return name.replace("-", "_").upper()


def finding_text(finding: Finding) -> str:
    """What was found before a campaign is scheduled, in one sentence."""
    key = f"CAMPAIGN.PREFLIGHT.{finding.name.upper()}"
    text = str(_(key, detail=finding.detail, count=finding.count))
    if finding.looked_at is None:
        return text
    return str(_("CAMPAIGN.PREFLIGHT.OF_SOME", looked_at=finding.looked_at, text=text))


def time_text(seconds: float) -> str:
    """How long a campaign takes, as a person would say it: never less than it does."""
    minutes = ceil(seconds / 60)
    if seconds < 60:
        return str(_("CAMPAIGN.PREFLIGHT.TIME.MOMENT"))
    if minutes < 120:
        return str(_("CAMPAIGN.PREFLIGHT.TIME.MINUTES", minutes=minutes))
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return str(_("CAMPAIGN.PREFLIGHT.TIME.HOURS", hours=hours, minutes=rest))
    return str(_("CAMPAIGN.PREFLIGHT.TIME.DAYS", days=format_decimal(ceil(minutes / 1440))))
