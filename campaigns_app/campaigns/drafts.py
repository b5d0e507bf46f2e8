"""What a person says about a campaign."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from campaigns_app.campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """What a person says about a campaign. `scheduled_at` empty means now; the last two are those
    of a follow-up, see `follow_up`."""

    title: str
    message: str
    inbox_id: int | None
    audience: list[dict[str, Any]]
    scheduled_at: datetime | None
    description: str | None = None
    sender_id: int | None = None
    enabled: bool = True
    trigger_rules: dict[str, Any] = field(default_factory=dict)
    trigger_only_during_business_hours: bool = False
    template_params: dict[str, Any] | None = None
    follows_id: int | None = None
    follows: str | None = None


CHANGEABLE = frozenset(entry.name for entry in fields(CampaignDraft))


def draft_of(campaign: Campaign) -> CampaignDraft:
    """What a person said about the campaign."""
    return CampaignDraft(**{name: getattr(campaign, name) for name in CHANGEABLE})
