"""Signals for analytics; whoever wants to count campaigns connects to them."""

import logging

from blinker import Namespace

logger = logging.getLogger(__name__)

CREATE_CAMPAIGN = "CREATE_CAMPAIGN"

campaign_created = Namespace().signal("campaign-created")
"""Sent once a campaign is saved. The sender is the event's name; keywords are its payload:
`type` (`one_off`), and `campaign_id`, `account_id` to tell which."""


def log_event(event: str, **payload: object) -> None:
    """Receive a signal by logging it, with the payload as fields."""
    logger.info("Analytics event %s %s", event, payload, extra={"event": event, **payload})


def connect() -> None:
    """Have the events logged. Connecting twice changes nothing."""
    campaign_created.connect(log_event)
