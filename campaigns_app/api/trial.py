"""Having a campaign's message sent once, to see how it arrives."""

from typing import Annotated, Any, Literal

from flask import Response, jsonify
from pydantic import BaseModel, ConfigDict, Field

from campaigns_app.api.answers import NamedContact
from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.campaigns import BY_ID, campaigns
from campaigns_app.api.schemas import CampaignParams, Id, Text, parse, read_draft
from campaigns_app.campaigns import service
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.trial import Trial, Wish, send_trial
from campaigns_app.database.types import utcnow
from campaigns_app.errors import Refused
from campaigns_app.webhooks.objects import Count, Exact

OVER = "The campaign is over"


class TrialParams(BaseModel):
    """For which contact the message is written, the first recipient unless one is named, and
    whether it goes to that contact or to the own number of the token's owner, which is remembered
    once it was sent."""

    model_config = ConfigDict(strict=True)

    contact_id: Id | None = None
    to: Literal["me", "contact"] = "me"
    phone_number: Annotated[Text, Field(max_length=40)] = ""


class UnsavedTrialParams(CampaignParams, TrialParams):
    """The same of a campaign that is not made yet."""


class TrialAnswer(Exact):
    """What came of a test message. `refused` has the provider's `code` and why; `unknown` may have
    been sent, or not; `shown` was written only. `units` is what it took of the inbox's rate."""

    outcome: Literal["accepted", "refused", "unknown", "shown"]
    provider_message_id: str | None
    code: str | None
    reason: str
    contact: NamedContact
    to: str
    text: str
    marked: bool
    template_params: dict[str, Any] | None
    units: Count | None


@campaigns.post(f"{BY_ID}/test_send")
def test_send(display_id: int) -> Response:
    """Send a campaign's message once, marked as a test, outside its counts.

    An inbox that opens conversations sends nothing; the message is shown.
    """
    campaign = service.get_campaign(api_account().id, display_id)
    if campaign.is_over:
        raise Refused(OVER)
    return _carried_out(campaign, read_json())


@campaigns.post("/test_send")
def test_send_unsaved() -> Response:
    """The same of a campaign that is not made yet, from its attributes."""
    params = read_json()
    draft = service.check_draft(api_account().id, read_draft(params), utcnow())
    return _carried_out(service.unsaved_campaign(api_account(), draft), params)


def _carried_out(campaign: Campaign, params: dict[str, Any]) -> Response:
    asked = parse(TrialParams, params)
    wish = Wish(asked.contact_id, asked.to == "contact", asked.phone_number)
    return jsonify(
        _trial_object(send_trial(api_account(), campaign, wish, actor=api_member().user))
    )


def _trial_object(trial: Trial) -> dict[str, Any]:
    return {
        "outcome": trial.outcome.value,
        "provider_message_id": trial.provider_message_id,
        "code": trial.code,
        "reason": trial.reason,
        "contact": {"id": trial.contact_id, "name": trial.contact_name},
        "to": trial.to,
        "text": trial.text,
        "marked": trial.is_marked,
        "template_params": trial.template,
        "units": trial.units,
    }
