"""Refusals that are nobody's own: of the inbox, or of the campaign's message. A few in a row stop
what they are about, instead of failing everybody who is left."""

from sqlalchemy.orm import Session

from campaigns_app.campaigns.template_loss import pause_refused
from campaigns_app.channels.provider import AccountPause, CampaignPause, Outcome
from campaigns_app.inboxes.halting import halt_inbox

MOST_IN_A_ROW = 3
"""So many, and nothing more leaves until somebody acts."""


def is_of_all(outcome: Outcome | None) -> bool:
    """Whether a call that ended so says that everybody else would be refused, too."""
    return isinstance(outcome, AccountPause | CampaignPause)


class RefusalsInARow:
    """The last outcomes, as far as they are refusals of one kind."""

    def __init__(self) -> None:
        self._last: Outcome | None = None
        self._count = 0

    def note(self, outcome: Outcome | None) -> None:
        """That one more message ended; none where it was sent."""
        if not is_of_all(outcome):
            self._count = 0
        elif type(outcome) is type(self._last):
            self._count += 1
        else:
            self._count = 1
        self._last = outcome

    @property
    def reason_to_stop(self) -> Outcome | None:
        """The last of them, once they are too many."""
        return self._last if self._count >= MOST_IN_A_ROW else None


def stop_what_is_refused(
    session: Session, inbox_id: int, campaign_id: int, reason: Outcome
) -> None:
    """Halt the inbox, or pause the campaign, whichever the refusal is about. Does not commit."""
    if isinstance(reason, CampaignPause):
        pause_refused(session, campaign_id, reason.told)
    else:
        halt_inbox(session, inbox_id, reason.told)
