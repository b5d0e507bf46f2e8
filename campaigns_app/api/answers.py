"""What the API answers, as models of which its description is made.

The answers themselves are made in `shapes` and in the views; the tests hold each against these.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from campaigns_app.api.inbox_answers import InboxObject
from campaigns_app.api.schemas import AudienceEntry
from campaigns_app.webhooks.objects import Count, Exact, IsoTime, UnixSeconds
from campaigns_app.webhooks.schemas import RecipientCounts


class AgentObject(BaseModel):
    """The person in whose name a campaign is sent."""

    model_config = ConfigDict(extra="allow")

    id: int
    account_id: int
    email: str
    name: str
    available_name: str
    role: str | None


class NobodyObject(Exact):
    """Nobody: an empty object."""


class FollowsObject(Exact):
    """Which campaign a follow-up runs again, null once that is deleted, and for whom."""

    id: int | None
    whom: Annotated[Literal["failed", "unknown", "skipped", "new"], Field(alias="for")]


class CampaignObject(BaseModel):
    """A campaign. `phase`, `counts` and what follows them are there for one-off campaigns only."""

    id: Annotated[int, Field(description="Its number in the account.")]
    title: str
    description: str | None
    account_id: int
    inbox: InboxObject
    sender: AgentObject | NobodyObject
    message: str
    template_params: dict[str, Any] | None
    campaign_status: Literal["active", "completed"]
    enabled: bool
    campaign_type: Literal["ongoing", "one_off"]
    scheduled_at: UnixSeconds | None = None
    audience: list[AudienceEntry] = Field(default_factory=list)
    phase: Literal["scheduled", "paused", "sending", "finished", "cancelled", "failed"] | None = (
        None
    )
    pause_reason: Annotated[
        str | None, Field(description="Why the provider refuses what the campaign sends.")
    ] = None
    counts: RecipientCounts | None = None
    started_at: UnixSeconds | None = None
    finished_at: UnixSeconds | None = None
    follows: FollowsObject | None = None
    trigger_rules: dict[str, Any]
    trigger_only_during_business_hours: bool
    created_at: IsoTime
    updated_at: IsoTime


class CampaignList(RootModel[list[CampaignObject]]):
    """A page of campaigns, newest first."""


class FunnelStep(Exact):
    """How many are left out for one reason, and how many remain after it."""

    reason: str
    excluded: Count
    remaining: Count


class FunnelObject(Exact):
    """How many contacts match, and the steps to those who are written to; `frozen` once the
    campaign has started."""

    matched: Count
    steps: list[FunnelStep]
    will_send: Count
    frozen: bool


class NamedContact(Exact):
    """A contact by its name."""

    id: int
    name: str


class FindingObject(Exact):
    """One thing that was found, at the field that could change it; `contacts` are some of the
    `count` whom it concerns. `looked_at` is of how many that is the count, where it is not of all
    recipients."""

    name: str
    severity: Literal["block", "warn"]
    field: str
    message: str
    count: Count
    looked_at: Count | None
    contacts: list[NamedContact]


class CharacterObject(Exact):
    """A character that only Unicode has."""

    character: str
    code_point: str
    name: str


class UnitsObject(Exact):
    """How much messages take of the inbox's rate: the longest one, and all together, `estimated`
    where not all were looked at. Where the unit is segments: the longest's encoding, how many, of
    those looked at where it is estimated, go out as `unicode`, and what forces it."""

    unit: str
    longest: Count
    longest_for: NamedContact
    total: Count
    estimated: bool
    encoding: Literal["GSM-7", "UCS-2"] | None
    unicode: Count
    forced_by: list[CharacterObject]


class PreflightAnswer(Exact):
    """What scheduling a campaign would lead to. `looked_at` is how many of those who would be
    written to have had their messages written out."""

    findings: list[FindingObject]
    will_send: Count
    looked_at: Count
    estimated_seconds: float | None
    units: UnitsObject | None


class DriftObject(Exact):
    """How many more, and fewer, are in than when the token's owner last looked."""

    since: UnixSeconds
    more: Count
    fewer: Count


class AudienceAnswer(FunnelObject):
    """The funnel of a campaign, and what has changed in it."""

    drift: DriftObject | None


class VerdictObject(BaseModel):
    """Whether a contact is in a campaign, and why."""

    model_config = ConfigDict(extra="allow")

    contact_id: int
    included: bool
    answer: str
    reason: str | None
    explanation: str
    labels: list[str]


class VerdictsAnswer(Exact):
    """The contacts that were found, and whether there are more."""

    payload: list[VerdictObject]
    has_more: bool


class SuppressionObject(Exact):
    """An address that no campaign writes to, and how that came to be."""

    id: int
    address: str
    source: str
    note: str
    created_at: UnixSeconds


class SuppressionList(RootModel[list[SuppressionObject]]):
    """A page of suppressed addresses, newest first."""


class WebhookObject(Exact):
    """A webhook endpoint; the values of `headers` are dots. One with an `inbox_id` is that inbox's
    own."""

    id: int
    name: str
    url: str
    account_id: int
    inbox_id: int | None
    subscriptions: list[str]
    headers: dict[str, str]
    enabled: bool
    batch_size: int
    disabled_reason: Literal["by_hand", "gone", "failing"] | None
    previous_secret_expires_at: UnixSeconds | None
    last_success_at: UnixSeconds | None
    first_failure_at: UnixSeconds | None
    created_at: UnixSeconds
    updated_at: UnixSeconds


class WebhookWithSecret(WebhookObject):
    """A webhook endpoint whose secret is shown now and not again."""

    secret: str


class WebhookPayload(Exact):
    """One endpoint in Chatwoot's wrapping."""

    webhook: WebhookObject


class WebhookAnswer(Exact):
    """One endpoint."""

    payload: WebhookPayload


class NewSecretPayload(Exact):
    """One endpoint with its new secret in Chatwoot's wrapping."""

    webhook: WebhookWithSecret


class NewSecretAnswer(Exact):
    """One endpoint with its new secret."""

    payload: NewSecretPayload


class WebhooksPayload(Exact):
    """Endpoints in Chatwoot's wrapping."""

    webhooks: list[WebhookObject]


class WebhooksAnswer(Exact):
    """All endpoints of the account, oldest first."""

    payload: WebhooksPayload
