"""How many of those to whom a campaign would write lack something, and who: of all of them, however
many they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, or_, select

from campaigns_app.campaigns.findings import LISTED
from campaigns_app.campaigns.sampling import recipients
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact
from campaigns_app.extensions import db


@dataclass(frozen=True, slots=True)
class Lacking:
    """How many lack each thing, by its name, those that somebody lacks; how many lack any; and the
    first (id, name) of these."""

    counts: Mapping[str, int]
    count: int
    contacts: tuple[tuple[int, str], ...] = ()

    @property
    def text(self) -> str:
        """What is lacking, and how often."""
        return ", ".join(f"{name} ({count})" for name, count in self.counts.items())


@dataclass(frozen=True, slots=True)
class Everybody:
    """All who would be written to, `count` of them: who match, and are left out for no reason."""

    matched: ColumnElement[bool]
    channel: Channel
    count: int

    def find_lacking(self, things: Mapping[str, ColumnElement[bool]]) -> Lacking:
        """Who lacks one of `things`: for each, by its name, the condition that a contact does.
        One query, which goes through all of them once."""
        if not things:
            return Lacking({}, 0)
        chosen = recipients(self.matched, self.channel).subquery()
        lacks_any = or_(*things.values())
        each = [func.sum(case((condition, 1), else_=0)).over() for condition in things.values()]
        first = (
            select(Contact.id, Contact.name, func.count().over(), *each)
            .join(chosen, chosen.c.id == Contact.id)
            .where(lacks_any)
            .order_by(Contact.id)
            .limit(LISTED)
        )
        rows = db.session.execute(first).all()
        if not rows:
            return Lacking({}, 0)
        count, *numbers = map(int, rows[0][2:])
        counts = {name: number for name, number in zip(things, numbers, strict=True) if number}
        return Lacking(counts, count, tuple((row[0], row[1]) for row in rows))
