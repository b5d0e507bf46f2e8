"""What goes into each operation of the API and what comes out, for its description of itself."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from campaigns_app.api import answers, delivery_answers, inbox_answers, template_answers
from campaigns_app.api.audience import LONGEST_SEARCH
from campaigns_app.api.audit_params import AuditLogAnswer, AuditParams
from campaigns_app.api.conversations import MessageObject, MessageParams
from campaigns_app.api.delivery_params import LogParams, ReplayParams
from campaigns_app.api.inbox_params import InboxParams
from campaigns_app.api.schemas import CampaignParams, PageParams
from campaigns_app.api.trial import TrialAnswer, TrialParams, UnsavedTrialParams
from campaigns_app.api.webhook_params import RotationParams, WebhookParams
from campaigns_app.campaigns.states import Follows


@dataclass(frozen=True, slots=True)
class Bodies:
    """What goes into an operation and what comes out; `wrapper` is the key in which the body may
    be wrapped, as Rails does."""

    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    wrapper: str | None = None
    query: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()


class FollowUpParams(CampaignParams):
    """For whom a campaign is run again, and what of it is different."""

    whom: Annotated[Follows, Field(alias="for")]


class SettlingParams(BaseModel):
    """What became of the message to an unknown recipient."""

    state: Literal["sent", "failed"]


class SuppressionParams(BaseModel):
    """An address that is not to be messaged, a phone number or an e-mail address."""

    address: str
    note: str = ""


class SuppressionListParams(PageParams):
    """Which page, of those whose address or note holds `q`."""

    q: str = ""


class PreflightParams(CampaignParams):
    """A campaign that is not made yet, and whether its inbox's provider is to be asked, and every
    message to be counted, however many they are."""

    check: bool = False
    count_all: bool = False


class SearchParams(BaseModel):
    """What to look for: characters of a name, number, e-mail or id."""

    q: Annotated[str, Field(min_length=1, max_length=LONGEST_SEARCH)]


BODIES = {
    "campaigns.index": Bodies(answers.CampaignList, query=PageParams),
    "campaigns.create": Bodies(
        answers.CampaignObject, CampaignParams, "campaign", headers=("Idempotency-Key",)
    ),
    "campaigns.show": Bodies(answers.CampaignObject),
    "campaigns.update": Bodies(answers.CampaignObject, CampaignParams, "campaign"),
    "campaigns.pause": Bodies(answers.CampaignObject),
    "campaigns.resume": Bodies(answers.CampaignObject),
    "campaigns.cancel": Bodies(answers.CampaignObject),
    "campaigns.settle": Bodies(answers.CampaignObject, SettlingParams),
    "campaigns.follow_up": Bodies(
        answers.CampaignObject, FollowUpParams, headers=("Idempotency-Key",)
    ),
    "audience.show": Bodies(answers.AudienceAnswer),
    "audience.why": Bodies(answers.VerdictsAnswer, query=SearchParams),
    "audience.preview": Bodies(answers.FunnelObject, CampaignParams),
    "audit_log.index": Bodies(AuditLogAnswer, query=AuditParams),
    "suppressions.index": Bodies(answers.SuppressionList, query=SuppressionListParams),
    "suppressions.create": Bodies(answers.SuppressionObject, SuppressionParams),
    "campaigns.preflight": Bodies(answers.PreflightAnswer, PreflightParams),
    "campaigns.preflight_again": Bodies(answers.PreflightAnswer),
    "conversations.update_message": Bodies(MessageObject, MessageParams),
    "inboxes.check": Bodies(inbox_answers.ConnectionAnswer),
    "inboxes.templates": Bodies(template_answers.TemplatesAnswer),
    "inboxes.sync": Bodies(template_answers.TemplatesAnswer),
    "campaigns.test_send": Bodies(TrialAnswer, TrialParams),
    "campaigns.test_send_unsaved": Bodies(TrialAnswer, UnsavedTrialParams),
    "inboxes.index": Bodies(inbox_answers.InboxesAnswer),
    "inboxes.create": Bodies(inbox_answers.OwnInboxObject, InboxParams),
    "inboxes.show": Bodies(inbox_answers.OwnInboxObject),
    "inboxes.update": Bodies(inbox_answers.OwnInboxObject, InboxParams),
    "webhooks.index": Bodies(answers.WebhooksAnswer),
    "webhooks.create": Bodies(answers.NewSecretAnswer, WebhookParams, "webhook"),
    "webhooks.show": Bodies(answers.WebhookAnswer),
    "webhooks.update": Bodies(answers.WebhookAnswer, WebhookParams, "webhook"),
    "webhooks.rotate_secret": Bodies(answers.NewSecretAnswer, RotationParams),
    "webhook_deliveries.index": Bodies(delivery_answers.DeliveryList, query=LogParams),
    "webhook_deliveries.show": Bodies(delivery_answers.DeliveryWithAttempts),
    "webhook_deliveries.resend": Bodies(delivery_answers.DeliveryObject),
    "webhook_deliveries.resend_failed": Bodies(delivery_answers.ResentAnswer, ReplayParams),
    "webhook_deliveries.send_test": Bodies(delivery_answers.DeliveryObject),
}
"""By the name of the view; one that is not here answers nothing, or something not described."""
