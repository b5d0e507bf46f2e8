"""What a crash test knows beside what stands in the database."""

from collections.abc import Mapping
from dataclasses import dataclass

from campaigns_app.operations.demo.receiver import Webhook


@dataclass(frozen=True, slots=True)
class History:
    """How many campaigns were asked for, for those with which label; which webhooks came how
    often, and how many had a wrong signature. The database holds nothing else."""

    label_id: int
    campaigns: int
    arrivals: Mapping[Webhook, int]
    refused: int
