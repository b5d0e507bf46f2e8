"""What a provider took, compared with what the ledger says of each recipient."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.operations.crashtest.history import History
from campaigns_app.operations.crashtest.promise import Promise

REACHED = frozenset({RecipientState.SENT, RecipientState.DELIVERED, RecipientState.READ})


def check_calls(session: Session, history: History) -> Iterator[Promise]:
    """That nobody was sent to twice, that what was taken is known or may be, and that only calls
    that were cut off are unknown."""
    if history.calls is None:
        return
    taken = Counter(entry.delivery_id for entry in history.calls.taken)
    states = {
        str(row_id): RecipientState(state)
        for row_id, state in session.execute(
            select(CampaignRecipient.id, CampaignRecipient.state).execution_options(yield_per=1000)
        )
    }
    reached = {row_id for row_id, state in states.items() if state in REACHED}
    unknown = {row_id for row_id, state in states.items() if state is RecipientState.UNKNOWN}
    yield Promise("messages for each recipient beyond one", 0, taken.total() - len(taken))
    yield Promise("messages to nobody in the ledger", 0, len(taken.keys() - states.keys()))
    yield Promise(
        "recipients sent, whose message the provider took",
        len(reached),
        len(reached & taken.keys()),
    )
    yield Promise(
        "messages taken, of recipients neither sent nor unknown",
        0,
        len((taken.keys() & states.keys()) - reached - unknown),
    )
    yield Promise(
        "recipients unknown, of calls under way at a kill",
        history.calls.most_cut_off,
        len(unknown),
        at_most=True,
    )
