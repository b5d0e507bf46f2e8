"""The form with which a person runs a campaign again."""

from datetime import datetime
from typing import Any

from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.forms import NOW, CampaignForm


class FollowUpForm(CampaignForm):
    """A campaign's form that starts with the values of `draft`, a follow-up.

    Whom it is for has been said already, so that there is no audience to choose.
    """

    def __init__(self, account_id: int, *, now: datetime, draft: CampaignDraft) -> None:
        values = {
            "title": draft.title,
            "message": draft.message,
            "template_params": draft.template_params,
            "inbox_id": draft.inbox_id,
            "sender_id": draft.sender_id,
            "when": NOW,
        }
        super().__init__(account_id, now=now, values=values)
        del self.audience

    def to_changes(self) -> dict[str, Any]:
        """What the person made of the draft, by its names; of a valid form."""
        draft = self.to_draft()
        names = ("title", "message", "template_params", "inbox_id", "sender_id", "scheduled_at")
        return {name: getattr(draft, name) for name in names}
