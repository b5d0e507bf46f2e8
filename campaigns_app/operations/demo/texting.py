"""The demonstration's second campaign: text messages in Twilio's format, through the simulator, to
a few people whose numbers say what becomes of their messages."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.contacts.importing import import_contacts
from campaigns_app.contacts.models import Suppression
from campaigns_app.database.transactions import reading
from campaigns_app.extensions import db
from campaigns_app.inboxes.drafts import InboxDraft
from campaigns_app.operations.demo.scene import Login, choose_labels, schedule_campaign
from campaigns_app.operations.simulator.manners import Manner
from campaigns_app.operations.simulator.process import LINES, SimulatorProcess

LABEL = "by-text"
TITLE = "Spring collection, by text"
RATE = 100.0

DELIVERED: dict[Manner, int] = {
    Manner.DELIVERED: 70,
    Manner.TOO_FAST: 1,
    Manner.DROPS: 3,
    Manner.DUPLICATES: 5,
    Manner.REORDERED: 5,
    Manner.STOPS: 4,
}
FAILED: dict[Manner, int] = {Manner.REFUSED: 5, Manner.OPTED_OUT: 4, Manner.FAILS_LATER: 3}
"""How many people of each kind there are, by what becomes of the message in the end."""
NOT_TAKEN = (Manner.REFUSED, Manner.OPTED_OUT)
OPTING_OUT = (Manner.OPTED_OUT, Manner.STOPS)


@dataclass(frozen=True, slots=True)
class TextSummary:
    """The figures as they are printed. `taken` were counted by the provider."""

    texts: int
    texts_taken: int
    texts_delivered: int
    texts_failed: int
    texts_opted_out: int


@dataclass(frozen=True, slots=True)
class TextFigures:
    """How far the campaign is; `taken` by the provider's ledger, `opted_out` is how many addresses
    must not be written to any more."""

    counts: Counts
    taken: int
    opted_out: int
    finished: bool

    @property
    def is_over(self) -> bool:
        """Whether the provider has told of everybody."""
        is_open = self.counts.sent or self.counts.unknown
        return self.finished and not is_open and self.opted_out >= _expected().texts_opted_out

    def summarize(self) -> TextSummary:
        """The figures to print."""
        counts = self.counts
        return TextSummary(
            counts.total, self.taken, counts.delivered, counts.failed, self.opted_out
        )

    def faults(self) -> Iterator[str]:
        """What is not as the numbers demand, a sentence each."""
        if not self.counts.adds_up:
            yield "The states of those who were texted do not sum to their number."
        if self.summarize() != _expected():
            yield f"Of the text messages came {self.summarize()}, not {_expected()}."


def schedule_texts(login: Login, simulator: SimulatorProcess) -> int:
    """Make the people, and a campaign for them that is due in a few seconds; returns its id.
    Commits."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(("name", "phone_number", "labels"))
    for manner, people in (DELIVERED | FAILED).items():
        for number in range(people):
            name = f"{manner.name.capitalize().replace('_', ' ')} {number + 1}"
            rows.writerow((name, f"+15002{manner:02}{number:04}", LABEL))
    import_contacts(login.account_id, io.BytesIO(table.getvalue().encode()), create_labels=True)
    line = LINES["twilio"]
    inbox = InboxDraft("Demo texts", line.channel.name, simulator.settings_for(line), rate=RATE)
    return schedule_campaign(login, choose_labels(login, [LABEL]), inbox, title=TITLE)


def read_texts(campaign_id: int, simulator: SimulatorProcess) -> TextFigures:
    """How far the campaign is now. Does not write."""
    with reading(db.session()) as session:
        return TextFigures(
            counts=count_states(campaign_id),
            opted_out=session.scalar(select(func.count()).select_from(Suppression)) or 0,
            finished=session.get_one(Campaign, campaign_id).finished_at is not None,
            taken=len(simulator.entries()),
        )


def _expected() -> TextSummary:
    people = DELIVERED | FAILED
    return TextSummary(
        texts=sum(people.values()),
        texts_taken=sum(n for manner, n in people.items() if manner not in NOT_TAKEN),
        texts_delivered=sum(DELIVERED.values()),
        texts_failed=sum(FAILED.values()),
        texts_opted_out=sum(people[manner] for manner in OPTING_OUT),
    )
