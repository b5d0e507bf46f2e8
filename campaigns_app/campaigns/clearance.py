"""Whether a campaign may be scheduled: not where the look ahead finds something in the way.

What goes through a provider is looked at as on the page, its provider asked with it. A campaign
that writes conversations depends on nobody else, and is refused for a disabled inbox only. One that
is under way is asked for its template only, without which everybody would be refused.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.findings import Finding, Severity
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.preflight import look_ahead, look_at_inbox
from campaigns_app.campaigns.template_findings import faults_of_template
from campaigns_app.campaigns.texts import finding_text
from campaigns_app.errors import FieldError, InvalidInput
from campaigns_app.inboxes.checking import connection_of
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.provider_account import provider_of


def refuse_obstacles(
    account: Account,
    inbox: Inbox,
    draft: CampaignDraft,
    now: datetime,
    unchanged: CampaignDraft | None = None,
) -> None:
    """Raise `InvalidInput`, with the field that could change it, for each thing that stands in the
    way of scheduling `draft` from `inbox`.

    Asks nothing of a draft that is not enabled, nor of one that differs from `unchanged` in its
    words for people only: a person who corrects a title has no part in what else has happened.
    Takes as long as the inbox's provider takes to answer, once a minute. Ends the present
    transaction.
    """
    if not draft.enabled or (unchanged is not None and _is_scheduled_alike(draft, unchanged)):
        return
    _refuse(_look(account, inbox, draft, now))


def refuse_lost_template(campaign: Campaign) -> None:
    """Raise `InvalidInput` where everybody left in a campaign under way would be refused."""
    _refuse(faults_of_template(campaign))


def _refuse(found: Sequence[Finding]) -> None:
    errors = [
        FieldError(one.field, finding_text(one)) for one in found if one.severity is Severity.BLOCK
    ]
    if errors:
        raise InvalidInput(errors)


def _is_scheduled_alike(draft: CampaignDraft, unchanged: CampaignDraft) -> bool:
    return unchanged == replace(draft, title=unchanged.title, description=unchanged.description)


def _look(account: Account, inbox: Inbox, draft: CampaignDraft, now: datetime) -> Sequence[Finding]:
    if provider_of(inbox) is None:
        return list(look_at_inbox(inbox))
    return look_ahead(account, inbox, draft, now, connection_of(inbox)).findings
