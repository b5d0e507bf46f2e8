"""One campaign where it was asked for twice: by a retry, a double click, or two administrators.

To be called while the account's row is locked, so that two requests cannot both find nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign
from campaigns_app.errors import AlreadyMade, FieldError, InvalidInput

SAME_MOMENT = timedelta(minutes=1)
"""Two people who save the same campaign within this time, for times no further apart, mean one."""

KEY_REUSED = "Idempotency-Key was used before for a request with another body"
SAVED_BEFORE = "The same campaign was saved a moment ago; it was not saved twice"
RUNS_AGAIN = "There is a follow-up for these already that has not finished"


@dataclass(frozen=True, slots=True)
class Submission:
    """How a campaign was asked for: under which `key`, by which a repeated request is recognised;
    with which contents (see `fingerprint_of`), None where the key tells them already; and whether
    by a person at a page."""

    key: str | None = None
    fingerprint: str | None = None
    by_hand: bool = False


def fingerprint_of(body: Mapping[str, Any]) -> str:
    """The same for bodies that say the same, and only for them."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def find_answered(session: Session, account_id: int, submission: Submission) -> Campaign | None:
    """The campaign that was made under the same key.

    Raises `InvalidInput` where it was made with other contents.
    """
    if submission.key is None:
        return None
    made = session.scalar(
        select(Campaign).where(
            Campaign.account_id == account_id, Campaign.idempotency_key == submission.key
        )
    )
    if made is not None and made.idempotency_fingerprint != submission.fingerprint:
        session.rollback()
        raise InvalidInput([FieldError("Idempotency-Key", KEY_REUSED)])
    return made


def refuse_double(
    session: Session, campaign: Campaign, submission: Submission, now: datetime
) -> None:
    """Raise `AlreadyMade` where `campaign`, not saved yet, is there in all but name.

    A follow-up is, while another for the same people has not finished. Any other campaign is where
    a person saved the same one a moment ago; a program that does so twice means it.
    """
    if campaign.follows is not None:
        double, message = _find_follow_up(session, campaign), RUNS_AGAIN
    elif submission.by_hand:
        double, message = _find_twin(session, campaign, now), SAVED_BEFORE
    else:
        return
    if double is not None:
        display_id = double.display_id
        session.rollback()
        raise AlreadyMade(message, display_id)


def _find_follow_up(session: Session, campaign: Campaign) -> Campaign | None:
    return session.scalar(
        select(Campaign).where(
            Campaign.follows_id == campaign.follows_id,
            Campaign.follows == campaign.follows,
            Campaign.finished_at.is_(None),
            Campaign.cancelled_at.is_(None),
            Campaign.failure.is_(None),
        )
    )


def _find_twin(session: Session, campaign: Campaign, now: datetime) -> Campaign | None:
    candidates = session.scalars(
        select(Campaign).where(
            Campaign.account_id == campaign.account_id,
            Campaign.inbox_id == campaign.inbox_id,
            Campaign.title == campaign.title,
            Campaign.message == campaign.message,
            Campaign.follows.is_(None),
            Campaign.cancelled_at.is_(None),
            Campaign.created_at > now - SAME_MOMENT,
        )
    )
    return next((one for one in candidates if _is_for_the_same(one, campaign)), None)


def _is_for_the_same(one: Campaign, other: Campaign) -> bool:
    if one.scheduled_at is None or other.scheduled_at is None:
        return False
    near = abs(one.scheduled_at - other.scheduled_at) < SAME_MOMENT
    return near and set(one.label_ids) == set(other.label_ids)
