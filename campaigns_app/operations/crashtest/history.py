"""What a crash test knows beside what stands in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaigns_app.operations.demo.receiver import Webhook
from campaigns_app.operations.simulator.ledger import Entry


@dataclass(frozen=True, slots=True)
class Calls:
    """What a provider took, by its own ledger, and how many calls may have been cut off: as many
    as one worker has under way, for each that was struck while it may have sent."""

    taken: Sequence[Entry]
    most_cut_off: int


@dataclass(frozen=True, slots=True)
class History:
    """How many campaigns were asked for, for those with which label; which webhooks came how
    often to the consumer that is told of one at once, and to the other, and how many requests had
    a wrong signature; and for a channel with a provider, its calls. The
    database holds nothing else."""

    label_id: int
    campaigns: int
    arrivals: Mapping[Webhook, int]
    arrivals_in_batches: Mapping[Webhook, int]
    refused: int
    calls: Calls | None = None
