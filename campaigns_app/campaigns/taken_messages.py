"""Which of a provider's messages are somebody's already, so that nobody else can have them."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AuditEntry
from campaigns_app.campaigns.models import CampaignRecipient

TRIAL_ENDED = "campaign.trial_ended"
"""The action of the audit log that says what came of a test message."""


def find_taken(session: Session, account_id: int, claims: Mapping[int, str]) -> set[str]:
    """Of the provider's ids for messages that recipients, by the rows of the ledger, are to have:
    those that another recipient of the account has, that were test messages, or that two of them
    are to have."""
    ids = set(claims.values())
    holders = session.execute(
        select(CampaignRecipient.provider_message_id, CampaignRecipient.id).where(
            CampaignRecipient.provider_message_id.in_(ids),
            CampaignRecipient.account_id == account_id,
        )
    )
    tested = AuditEntry.after["provider_message_id"].as_string()
    tests = session.scalars(
        select(tested).where(
            AuditEntry.account_id == account_id, AuditEntry.action == TRIAL_ENDED, tested.in_(ids)
        )
    )
    return {
        *(one for one, count in Counter(claims.values()).items() if count > 1),
        *(message_id for message_id, row_id in holders if claims.get(row_id) != message_id),
        *tests,
    }
